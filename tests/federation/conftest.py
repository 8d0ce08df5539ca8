"""Two districts, every process real, for the whole ring; people sign in through the pages."""

from __future__ import annotations

import base64
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from tongban_cli.client import Person
from tongban_local.environment import Environment

from tests.support.environments import running_environment

GUSU, HUANGPU = "320508", "310101"


@pytest.fixture(scope="session")
def environment() -> Iterator[Environment]:
    with running_environment([GUSU, HUANGPU]) as running:
        yield running


@pytest.fixture(scope="session")
def person(environment: Environment) -> Iterator[Callable[[str, str], Person]]:
    """`person("320508", "citizen")`: that sample account, signed in."""
    with ExitStack() as stack:
        people: dict[tuple[str, str], Person] = {}

        def signed_in(code: str, login: str) -> Person:
            if (code, login) not in people:
                people[code, login] = stack.enter_context(Person.of(environment[code], login))
            return people[code, login]

        yield signed_in


def tongban(*argv: str) -> subprocess.CompletedProcess[str]:
    """The command, as a program of its own."""
    return subprocess.run(
        [sys.executable, "-m", "tongban_cli", *argv], capture_output=True, text=True, check=False, timeout=60
    )


def application(item: dict[str, Any], content: bytes = "样例材料".encode()) -> dict[str, Any]:
    """A complete application for `item`."""
    return {
        "item_code": item["code"],
        "materials": [
            {
                "key": wanted["key"],
                "name": f"{wanted['key']}.txt",
                "media_type": "text/plain",
                "content": base64.b64encode(content).decode(),
            }
            for wanted in item["materials"]
            if wanted["required"]
        ],
    }


@pytest.fixture(scope="session")
def foreign_item(person: Callable[[str, str], Person]) -> dict[str, Any]:
    """An item that Huangpu decides, as Gusu's catalogue knows it."""
    from tests.support.calls import eventually

    citizen = person(GUSU, "citizen")
    found = eventually(lambda: citizen.get("/v1/items", handling_district=HUANGPU, size=1)["items"], 60)
    return dict(found[0])
