"""The storage on PostgreSQL keeps the promises that the fake keeps, and shows nobody what people wrote."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from chassis.clock import FixedClock, new_id
from chassis.database import Database
from chassis.outbox import Outbox
from chassis.resealing import SealedTables, reseal, rows_left
from chassis.sealed import FieldCipher, FieldKey, FieldKeys, SealBroken
from hotline.adapters.storage import Work
from hotline.adapters.tables import SEALED
from hotline.domain.errors import HotlineError
from hotline.domain.model import State
from hotline.usecases.answer_ticket import answer_ticket
from hotline.usecases.transfer_ticket import transfer_ticket
from sqlalchemy import text

from tests.support.transit import TRANSIT

from ..factories import GUSU, HUANGPU, NOW, ticket
from ..storage_suite import StorageSuite

pytestmark = pytest.mark.engines

CIPHER = FieldCipher(FieldKeys.plain(bytes(range(32))))


@pytest.fixture(scope="module")
def pool(database):
    pool = Database(database.url)
    yield pool
    pool.close()


def begin(connection, cipher=CIPHER) -> Work:
    return Work(connection, Outbox(connection, "hotline", FixedClock(), new_id, TRANSIT), cipher, GUSU)


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
        for table in ("ticket_entries", "tickets", "outbox", "subject_sequence"):
            connection.execute(text(f"DELETE FROM {table}"))
    return pool


def keep(pool, *tickets) -> None:
    with pool.transaction() as connection:
        for each in tickets:
            begin(connection).tickets.save(each)


def test_no_word_that_people_wrote_stands_in_the_tables(empty) -> None:
    done = ticket().after("transfer_offered", NOW, note="理由：住址在黄浦", state=State.OPEN)
    done = done.after("answered", NOW, answer="答复在此", state=State.ANSWERED, answered_by=GUSU, answered_at=NOW)
    keep(empty, done)
    with empty.transaction() as connection:
        rows = connection.execute(text("SELECT t::text || e::text FROM tickets t, ticket_entries e")).scalars().all()
    written = (done.body, done.subject_line, done.answer, "理由：住址在黄浦")
    hexed = [word.encode().hex() for word in written]
    assert rows
    assert not [word for word in (*written, *hexed) for row in rows if word in row]


def test_a_text_moved_to_another_ticket_does_not_open(empty) -> None:
    keep(empty, ticket(1), ticket(2))
    with empty.transaction() as connection:
        connection.execute(
            text(
                "UPDATE tickets SET body_sealed = (SELECT body_sealed FROM tickets WHERE number = :a) WHERE number = :b"
            ),
            {"a": ticket(1).number, "b": ticket(2).number},
        )
    with pytest.raises(SealBroken), empty.transaction() as connection:
        begin(connection).tickets.get(ticket(2).number)


def test_two_agents_who_act_at_once_do_not_both_act(empty) -> None:
    number = ticket().number
    keep(empty, ticket())
    both_in, outcomes = threading.Barrier(2), []

    def attempt(act) -> None:
        try:
            with empty.transaction() as connection:
                connection.execute(text("SELECT 1"))
                both_in.wait()
                outcomes.append(act(begin(connection)).state)
        except HotlineError as error:
            outcomes.append(error.code)

    acts = (
        lambda work: answer_ticket(work, number, answer="a", now=NOW),
        lambda work: transfer_ticket(work, number, to=HUANGPU, reason="r", opener_subject="", now=NOW),
    )
    threads = [threading.Thread(target=attempt, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(outcomes) in (
        {State.ANSWERED, "hotline.already_answered"},
        {State.TRANSFERRING, "hotline.handing_over"},
    )


def test_the_migrations_make_exactly_the_tables_that_the_code_knows(database) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from hotline.adapters.tables import metadata
    from sqlalchemy import create_engine

    engine = create_engine(database.owner_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": False})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_what_people_wrote_is_sealed_under_a_new_key_and_read_without_the_old_one(empty) -> None:
    old, new = FieldKey(bytes(range(32)), named=False), FieldKey(b"n" * 32)
    done = ticket(2).after("answered", NOW, answer="答复在此", state=State.ANSWERED, answered_by=GUSU, answered_at=NOW)
    keep(empty, ticket(1), done)
    one_by_one = SealedTables(tuple(replace(each, batch=1) for each in SEALED.tables))
    assert rows_left(empty, FieldCipher(FieldKeys([new, old])), SEALED) == {"tickets": 2, "ticket_entries": 3}
    assert reseal(empty, FieldCipher(FieldKeys([new, old])), one_by_one) == {}
    with empty.transaction() as connection:
        tickets = begin(connection, FieldCipher(FieldKeys([new]))).tickets
        assert [tickets.get(each.number) for each in (ticket(1), done)] == [ticket(1), done]
