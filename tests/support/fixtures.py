"""The fixtures that README.md describes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from tongban_local.checkout import ROOT

from tests.support.engines import Engines, ServiceDatabase, running_engines
from tests.support.services import ServiceProcess, start_service

StartService = Callable[..., ServiceProcess]


@pytest.fixture(scope="session")
def engines() -> Iterator[Engines]:
    """A district's broker and database, for the whole session."""
    with running_engines() as running:
        yield running


@pytest.fixture(scope="module")
def service_name(request: pytest.FixtureRequest) -> str:
    """The service in whose folder the test stands; other tests override it."""
    parts = request.path.relative_to(ROOT).parts
    if parts[0] != "services":
        raise pytest.UsageError(f"{request.path} is no service's: override the fixture service_name")
    return parts[1]


@pytest.fixture(scope="module")
def broker(engines: Engines) -> Engines:
    """The engines, with every queue empty at the module's start."""
    engines.purge()
    return engines


@pytest.fixture(scope="module")
def fresh_database(engines: Engines) -> Callable[[str], ServiceDatabase]:
    """`fresh_database("catalogue")`: another empty, migrated database of that service."""
    return engines.fresh_database


@pytest.fixture(scope="module")
def database(engines: Engines, service_name: str) -> ServiceDatabase:
    """The service's own database, empty and migrated, one a test module."""
    return engines.fresh_database(service_name)


@pytest.fixture(scope="module")
def service_process(engines: Engines) -> Iterator[StartService]:
    """`service_process("catalogue", database, TONGBAN_MAX_WORKERS="5")`: a running process, stopped after the module."""
    with ExitStack() as stack:

        def start(
            service: str, database: ServiceDatabase | None = None, *, module: str = "", **extra: str
        ) -> ServiceProcess:
            if database is None and service in engines.district.owners:
                database = engines.fresh_database(service)
            process = start_service(engines, service, database, extra, module)
            stack.callback(process.stop)
            return process

        yield start
