"""Two districts and a browser, for the whole folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, expect
from tongban_local.checkout import BUILD
from tongban_local.environment import Environment

from tests.browser.chromium import chromium
from tests.browser.person import DESK, Person
from tests.support.environments import running_environment

GUSU, HUANGPU = "320508", "310101"
#: A busy machine is no failure.
expect.set_options(timeout=60_000)


@pytest.fixture(scope="session")
def environment() -> Iterator[Environment]:
    """Gusu and Huangpu, whole."""
    with running_environment() as running:
        yield running


@pytest.fixture(scope="session")
def browser(environment: Environment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("home"), environment[GUSU].authority) as running:
        yield running


@pytest.fixture
def person(browser: Browser) -> Iterator[Callable[..., Person]]:
    """`person()`: somebody with a browser of their own; `person(script=False)`: one who allows no script."""
    pictures = BUILD / "screenshots"
    pictures.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:

        def come(*, script: bool = True) -> Person:
            context = browser.new_context(locale="zh-CN", viewport=DESK, java_script_enabled=script)  # type: ignore[arg-type]
            stack.callback(context.close)
            return Person(context, pictures)

        yield come
