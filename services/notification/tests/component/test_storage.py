"""The storage on PostgreSQL keeps the promises that the fake keeps, also for two at once."""

from __future__ import annotations

import threading

import pytest
from chassis.database import Database
from notification.adapters.storage import Work
from notification.domain.model import DeliveryState
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from ..factories import NOW, delivery, notice
from ..storage_suite import LATER, StorageSuite

pytestmark = pytest.mark.engines


@pytest.fixture(scope="module")
def pool(database):
    pool = Database(database.url)
    yield pool
    pool.close()


class TestPostgres(StorageSuite):
    @pytest.fixture
    def work(self, pool):
        """Rolled back after each test."""

        class Undo(Exception):
            pass

        try:
            with pool.transaction() as connection:
                yield Work(connection)
                raise Undo
        except Undo:
            pass


@pytest.fixture
def empty(pool):
    with pool.transaction() as connection:
        connection.execute(text("DELETE FROM deliveries"))
        connection.execute(text("DELETE FROM notices"))
    return pool


def fill(pool, number: int) -> None:
    with pool.transaction() as connection:
        work = Work(connection)
        for n in range(number):
            work.notices.add(notice(f"n{n}", event=str(n)))
            work.deliveries.add(delivery(f"d{n}", notice_id=f"n{n}"))


def test_several_senders_at_once_claim_each_mail_once_and_none_waits_for_another(empty) -> None:
    fill(empty, 12)
    all_in, claims = threading.Barrier(3), []

    def claim() -> None:
        with empty.transaction() as connection:
            mine = Work(connection).deliveries.claim(NOW, most=4, until=LATER)
            all_in.wait(10)  # reached only if nobody waits for the others' commits
            claims.extend(each.delivery.id for each in mine)

    threads = [threading.Thread(target=claim) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claims) == sorted(f"d{n}" for n in range(12))


def test_the_same_event_told_twice_at_once_is_one_notice(empty) -> None:
    both_in, outcomes = threading.Barrier(2), []

    def tell(id: str) -> None:
        with empty.transaction() as connection:
            connection.execute(text("SELECT 1"))
            both_in.wait()
            outcomes.append(Work(connection).notices.add(notice(id)))

    threads = [threading.Thread(target=tell, args=(id,)) for id in ("n1", "n2")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [False, True]


def test_a_notice_has_one_delivery_a_channel(empty) -> None:
    fill(empty, 1)
    with pytest.raises(IntegrityError, match="deliveries_once"), empty.transaction() as connection:
        Work(connection).deliveries.add(delivery("d9", notice_id="n0"))


def test_what_is_sent_has_its_time(empty) -> None:
    fill(empty, 1)
    with pytest.raises(IntegrityError, match="deliveries_sent_has_time"), empty.transaction() as connection:
        connection.execute(text("UPDATE deliveries SET state = :sent"), {"sent": DeliveryState.SENT.value})


def test_the_migrations_make_exactly_the_tables_that_the_code_knows(database) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from notification.adapters.tables import metadata
    from sqlalchemy import create_engine

    engine = create_engine(database.owner_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": False})
        assert compare_metadata(context, metadata) == []
    engine.dispose()
