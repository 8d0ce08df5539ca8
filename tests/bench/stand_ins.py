"""Services that exist only to be measured: their databases and their processes."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from chassis.database import create_messaging_tables
from sqlalchemy import create_engine, text
from tongban_local.checkout import ROOT, source_folders
from tongban_local.ports import free_port
from tongban_local.processes import NotReady, wait_until

from tests.support.engines import Engines, ServiceDatabase


def messaging_database(engines: Engines, service: str, *more: str) -> ServiceDatabase:
    """A new database with outbox, inbox and the rest, as the first migration of any service makes them, and `more`."""
    database = engines.empty_database(service)
    engine = create_engine(database.owner_url)
    with engine.begin() as connection:

        class Op:
            """As much of Alembic's `op` as the helper uses."""

            @staticmethod
            def execute(statement: str) -> None:
                connection.execute(text(statement))

        create_messaging_tables(Op)
        for statement in more:
            connection.execute(text(statement))
    engine.dispose()
    return database


@contextmanager
def stand_in_service(
    engines: Engines, service: str, database: ServiceDatabase, module: str, **told: str
) -> Iterator[subprocess.Popen[bytes]]:
    """`python -m <module>` with the settings of a district's service and `told`, ready; stopped at the end.

    It runs as whoever measures: the district's account may not reach this tree, and its copy of the code has no tests.
    Raises NotReady with the end of its log.
    """
    district = engines.district
    health = f"{district.host}:{free_port(district.host)}"
    environ = district.service_environ(service, health=health)
    environ |= {
        "TONGBAN_DATABASE_URL": database.url,
        "PYTHONPATH": os.pathsep.join(map(str, (ROOT, *source_folders(ROOT)))),
        **told,
    }
    log = district.folder / f"{service}-{health.rpartition(':')[2]}.log"
    with log.open("wb") as out:
        process = subprocess.Popen([sys.executable, "-m", module], cwd=ROOT, env=environ, stdout=out, stderr=out)
    try:
        wait_until(lambda: _ready(health), f"{module}: {log}", 60, lambda: process.poll() is not None)
        yield process
    except NotReady as error:
        error.add_note(log.read_text()[-4000:])
        raise
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def _ready(health: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://{health}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
