"""The storage on PostgreSQL keeps the promises that the fake keeps, and the table refuses what the type refuses."""

from __future__ import annotations

import threading

import pytest
from catalogue.adapters.storage import Work
from catalogue.adapters.vocabulary import vocabulary
from catalogue.usecases.find_items import find_items
from catalogue.usecases.ports import Filters
from catalogue.usecases.publish_item import publish_item
from catalogue.usecases.refresh_search import refresh_search
from chassis.clock import FixedClock, new_id
from chassis.database import Database
from chassis.outbox import Outbox
from chassis.paging import Wish
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tests.support.transit import TRANSIT

from ..factories import GUSU, NOW, content, item
from ..storage_suite import StorageSuite

pytestmark = pytest.mark.engines


@pytest.fixture(scope="module")
def pool(database):
    pool = Database(database.url)
    yield pool
    pool.close()


def begin(connection) -> Work:
    return Work(connection, Outbox(connection, "catalogue", FixedClock(), new_id, TRANSIT), GUSU)


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
        for table in ("items", "outbox", "subject_sequence"):
            connection.execute(text(f"DELETE FROM {table}"))
    return pool


@pytest.mark.parametrize("promised", [0, 21])
def test_the_table_refuses_a_promise_outside_the_statutory_limit(empty, promised) -> None:
    with (
        pytest.raises(IntegrityError, match="items_promised_limit_within_statutory"),
        empty.transaction() as connection,
    ):
        begin(connection).items.save(item())
        connection.execute(text("UPDATE items SET promised_limit_days = :days"), {"days": promised})


def test_two_who_publish_the_same_new_code_at_once_make_two_versions_not_an_error(empty) -> None:
    both_in = threading.Barrier(2)
    outcomes = []

    def publish(name: str) -> None:
        with empty.transaction() as connection:
            connection.execute(text("SELECT 1"))
            both_in.wait()
            outcomes.append(publish_item(begin(connection), content(name_en=name), district=GUSU, now=NOW))

    threads = [threading.Thread(target=publish, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(published.version for published, _ in outcomes) == [1, 2]


def test_what_is_published_and_what_is_told_commit_together_or_not_at_all(empty) -> None:
    def rows() -> tuple[int, int]:
        with empty.transaction() as connection:
            return tuple(
                connection.execute(text("SELECT (SELECT count(*) FROM items), (SELECT count(*) FROM outbox)")).one()
            )

    with pytest.raises(ZeroDivisionError), empty.transaction() as connection:
        publish_item(begin(connection), content(), district=GUSU, now=NOW)
        raise ZeroDivisionError
    assert rows() == (0, 0)
    with empty.transaction() as connection:
        publish_item(begin(connection), content(), district=GUSU, now=NOW)
    assert rows() == (1, 2)


def test_a_search_reads_the_index_not_the_table(empty) -> None:
    with empty.transaction() as connection:
        work = begin(connection)
        for n in range(400):
            work.items.save(item(f"code-{n}", name_zh=f"事项{chr(0x4E00 + n)}{chr(0x5E00 + n)}"))
        connection.execute(text("ANALYZE items"))
        connection.execute(text("SET LOCAL enable_seqscan = off"))
        query = "EXPLAIN SELECT * FROM items WHERE search @@ CAST('(''帀帀'')' AS tsquery)"
        plan = "\n".join(row[0] for row in connection.execute(text(query)))
    assert "items_by_term" in plan


def found(work: Work, typed: str) -> list[str]:
    page = find_items(work, typed, Filters(), Wish(), vocabulary())
    return [each.code for each in page.rows]


def test_what_the_previous_release_wrote_is_found_after_the_next_look(empty) -> None:
    """It knows nothing of the new columns: its new rows lack them, and its changes leave them as they were."""
    with empty.transaction() as connection:
        work = begin(connection)
        for code in ("new", "changed", "known"):
            work.items.save(item(code, name_zh="旧名称事项"))
        connection.execute(text("UPDATE items SET search = NULL, searched_version = NULL WHERE code = 'new'"))
        connection.execute(text("UPDATE items SET name_zh = '新称呼事项', version = 2 WHERE code = 'changed'"))
    with empty.transaction() as connection:
        assert refresh_search(begin(connection)) is False
    with empty.transaction() as connection:
        work = begin(connection)
        assert found(work, "旧名称") == ["known", "new"]
        assert found(work, "新称呼") == ["changed"]
        assert work.items.stale(5) == []


def test_two_processes_that_refresh_the_search_share_the_work(empty) -> None:
    with empty.transaction() as connection:
        work = begin(connection)
        for n in range(3):
            work.items.save(item(f"i{n}"))
        connection.execute(text("UPDATE items SET searched_version = NULL"))
    with empty.transaction() as one, empty.transaction() as two:
        assert [each.code for each in begin(one).items.stale(2)] == ["i0", "i1"]
        assert [each.code for each in begin(two).items.stale(2)] == ["i2"]


HOSTILE = [
    "'",
    "''",
    "\\",
    "\\'",
    "a' | 'b",
    ":*",
    "a:*",
    "!a",
    "&",
    "<->",
    "(((",
    "' OR 1=1; --",
    "%",
    "_",
    "\u200b",
    "e\u0301",
    "\x7f",
]


@pytest.mark.parametrize(
    "typed", [*HOSTILE, "社" * 100, "a " * 50, "社 " * 50, "".join(chr(0x4E00 + n) for n in range(100))]
)
def test_whatever_is_typed_is_words_to_the_database_and_nothing_else(empty, typed) -> None:
    with empty.transaction() as connection:
        work = begin(connection)
        work.items.save(item("one"))
        connection.execute(text("SET LOCAL statement_timeout = '2s'"))
        assert found(work, typed) in ([], ["one"])
        assert found(work, "社会保障卡") == ["one"]


def test_the_migrations_make_exactly_the_tables_that_the_code_knows(database) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from catalogue.adapters.tables import metadata
    from sqlalchemy import create_engine

    engine = create_engine(database.owner_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": False})
        assert compare_metadata(context, metadata) == []
    engine.dispose()
