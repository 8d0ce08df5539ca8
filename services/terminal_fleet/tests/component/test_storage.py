"""The storage on PostgreSQL keeps the promises that the fake keeps."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from chassis.clock import FixedClock, new_id
from chassis.database import Database
from chassis.outbox import Outbox
from sqlalchemy import text
from terminal_fleet.adapters.storage import Work
from terminal_fleet.domain.model import Health
from terminal_fleet.usecases.check_silence import check_silence
from terminal_fleet.usecases.record_heartbeat import record_heartbeat

from tests.support.transit import TRANSIT

from ..factories import HUANGPU, NOW, kiosk
from ..storage_suite import StorageSuite

pytestmark = pytest.mark.engines


@pytest.fixture(scope="module")
def pool(database):
    pool = Database(database.url)
    yield pool
    pool.close()


def begin(connection) -> Work:
    return Work(connection, Outbox(connection, "terminal_fleet", FixedClock(), new_id, TRANSIT), HUANGPU)


class TestPostgres(StorageSuite):
    @pytest.fixture
    def work(self, pool):
        """Rolled back after each test."""

        class Undo(Exception):
            pass

        try:
            with pool.transaction() as connection:
                yield begin(connection)
                raise Undo
        except Undo:
            pass


@pytest.fixture
def empty(pool):
    with pool.transaction() as connection:
        for table in ("kiosks", "outbox", "subject_sequence"):
            connection.execute(text(f"DELETE FROM {table}"))
    return pool


def test_heartbeats_at_once_leave_the_newest(empty) -> None:
    one = kiosk(host=HUANGPU)
    with empty.transaction() as connection:
        begin(connection).kiosks.save(one)

    def send(sequence: int) -> None:
        with empty.transaction() as connection:
            record_heartbeat(
                begin(connection), one.id, client_id=one.client_id, sequence=sequence, software_version="4", now=NOW
            )

    threads = [threading.Thread(target=send, args=(sequence,)) for sequence in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with empty.transaction() as connection:
        kept = begin(connection).kiosks.get(one.id)
        told = connection.execute(text("SELECT count(*) FROM outbox")).scalar()
    assert (kept.sequence, kept.health, kept.version) == (8, Health.ONLINE, 2)
    assert told == 1


def test_two_processes_that_look_at_once_tell_of_each_silent_kiosk_once(empty) -> None:
    with empty.transaction() as connection:
        for n in range(20):
            begin(connection).kiosks.save(
                kiosk(n, host=HUANGPU, health=Health.ONLINE, last_heartbeat_at=NOW - timedelta(hours=1))
            )
    with empty.transaction() as one, empty.transaction() as other:
        check_silence(begin(one), now=NOW, silent_after_s=90)
        check_silence(begin(other), now=NOW, silent_after_s=90)
    with empty.transaction() as connection:
        assert connection.execute(text("SELECT count(*) FROM outbox")).scalar() == 20


def test_the_migrations_make_exactly_the_tables_that_the_code_knows(database) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from sqlalchemy import create_engine
    from terminal_fleet.adapters.tables import metadata

    engine = create_engine(database.owner_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": False})
        assert compare_metadata(context, metadata) == []
    engine.dispose()
