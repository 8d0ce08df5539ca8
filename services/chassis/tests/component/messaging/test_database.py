"""The database keeps its promises in eventlet processes and in web processes alike; migrations stay one line."""

from __future__ import annotations

import functools
import json
import re
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from chassis import once as once_module
from chassis.clock import FixedClock
from chassis.database import MigrationError, Retention, await_database, await_schema, messaging_tables, migrate
from chassis.database.retention import STATEMENTS
from chassis.errors import Fault
from chassis.once import digest_of, once
from tongban.case_routing.v1.case_routing_pb2 import CaseProgressed

from services.chassis.tests.component.messaging.bus import SOURCE
from services.chassis.tests.component.messaging.conftest import HERE, Store
from tests.support.engines import Engines

CHECKS = re.findall(r"^def ((?:a|queries|what)_\w+)", (HERE / "database_checks.py").read_text(), re.MULTILINE)


@pytest.fixture(scope="module")
def outcomes(source_store: Store) -> Callable[[str], dict[str, str]]:
    """What became of every check in one world, all of them run once, in one process."""

    @functools.cache
    def run(world: str) -> dict[str, str]:
        source_store.rows("TRUNCATE effects, inbox")
        argv = [sys.executable, "-W", "ignore", str(HERE / "database_checks.py"), world, source_store.url]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


@pytest.mark.parametrize("world", ["eventlet", "threads"])
@pytest.mark.parametrize("check", CHECKS)
def test_database(outcomes: Callable[[str], dict[str, str]], check: str, world: str) -> None:
    assert outcomes(world)[check] == "kept"


# The same request twice ----------------------------------------------------------------------------------------------


class Work:
    """Something that must happen once per key, counted."""

    def __init__(self, store: Store) -> None:
        self.store, self.runs = store, 0

    def __call__(self, key: str, digest: str = "d", *, pause_s: float = 0, error: Exception | None = None) -> bytes:
        def produce() -> bytes:
            self.runs += 1
            answer = f"answer {self.runs}".encode()
            time.sleep(pause_s)
            if error is not None:
                raise error
            return answer

        with self.store.database.transaction() as connection:
            return once(connection, scope="submit citizen-1", key=key, digest=digest, produce=produce)


def test_a_key_that_returns_gets_the_stored_answer_and_acts_no_second_time(source: Store) -> None:
    work = Work(source)
    assert [work("k"), work("k")] == [b"answer 1", b"answer 1"]
    assert work("other") == b"answer 2"


def test_the_same_key_at_the_same_moment_acts_once(source: Store) -> None:
    work, answers = Work(source), []
    threads = [threading.Thread(target=lambda: answers.append(work("k", pause_s=0.3))) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [b"answer 1"] * 5


def test_a_key_with_other_content_is_refused(source: Store) -> None:
    work = Work(source)
    work("k")
    with pytest.raises(Fault) as refused:
        work("k", "another digest")
    assert (refused.value.code, refused.value.kind.value) == ("request.key_reused", "conflict")


def test_a_first_try_that_failed_leaves_the_key_free(source: Store) -> None:
    work = Work(source)
    with pytest.raises(KeyError):
        work("k", error=KeyError())
    assert work("k") == b"answer 2"


@pytest.mark.parametrize(
    ("key", "code"), [("", "request.key_missing"), ("a b", "request.key_invalid"), ("k" * 65, "request.key_invalid")]
)
def test_a_key_is_1_to_64_visible_ascii_characters(source: Store, key: str, code: str) -> None:
    with pytest.raises(Fault) as refused:
        Work(source)(key)
    assert (refused.value.code, refused.value.kind.value) == (code, "invalid")


def test_equal_requests_have_equal_digests_and_others_do_not() -> None:
    one, same, other = (CaseProgressed(number=number, version=1) for number in ("C1", "C1", "C2"))
    assert digest_of(one) == digest_of(same) != digest_of(other)


# Migrations ----------------------------------------------------------------------------------------------------------

ENV = """
import sqlalchemy as sa
from chassis.database import messaging_tables, run_migrations
metadata = sa.MetaData()
messaging_tables(metadata)
run_migrations(metadata)
"""
REVISION = """
from alembic import op
from chassis.database import add_messaging_housekeeping, create_messaging_tables
revision, down_revision = {revision!r}, {down!r}
def upgrade():
    {body}
"""


class Package:
    """A service's package with nothing but migrations."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name, self.folder = name, folder / name / "migrations"
        (self.folder / "versions").mkdir(parents=True)
        (folder / name / "__init__.py").touch()
        (self.folder / "env.py").write_text(ENV)

    def add(self, revision: str, down: str | None, body: str = "create_messaging_tables(op)") -> Package:
        text = textwrap.dedent(REVISION).format(revision=revision, down=down, body=body)
        (self.folder / "versions" / f"{revision}.py").write_text(text)
        (self.folder / "head").write_text(revision + "\n")
        return self


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Package]:
    monkeypatch.syspath_prepend(str(tmp_path))
    name = f"migrated_{tmp_path.name.replace('-', '_')}"
    yield Package(tmp_path, name)
    sys.modules.pop(name, None)


@pytest.fixture
def empty(engines: Engines) -> str:
    return engines.empty_database(SOURCE).owner_url


def test_the_migrations_make_just_the_tables_that_the_code_knows(package: Package, empty: str) -> None:
    package.add("0001", None).add("0002", "0001", "add_messaging_housekeeping(op)")
    migrate(package.name, empty)
    migrate(package.name, empty)
    metadata = sa.MetaData()
    messaging_tables(metadata)
    engine = sa.create_engine(empty)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_two_migrations_written_side_by_side_are_refused(package: Package, empty: str) -> None:
    package.add("0001", None).add("0002_a", "0001", "pass").add("0002_b", "0001", "pass")
    with pytest.raises(MigrationError, match="2 heads"):
        migrate(package.name, empty)


def test_a_head_file_that_lags_behind_is_refused(package: Package, empty: str) -> None:
    package.add("0002", "0001", "pass").add("0001", None)
    with pytest.raises(MigrationError, match="head says '0001'"):
        migrate(package.name, empty)


def test_a_migration_waits_for_a_busy_table_in_short_turns(package: Package, empty: str) -> None:
    """Waiting for long, it would stand before every other user of the table and stop the whole service."""
    package.add("0001", None)
    migrate(package.name, empty)
    package.add("0002", "0001", "op.execute('ALTER TABLE inbox ADD COLUMN note text')")
    with closing(psycopg2.connect(empty.replace("+psycopg2", ""))) as busy:
        with busy.cursor() as cursor:
            cursor.execute("SELECT * FROM inbox")
        timer = threading.Timer(3.6, busy.rollback)
        timer.start()
        migrate(package.name, empty)
        timer.join()
    engine = sa.create_engine(empty)
    with engine.connect() as connection:
        assert "note" in [column["name"] for column in sa.inspect(connection).get_columns("inbox")]
    engine.dispose()


def test_two_migration_jobs_at_once_do_the_work_once(package: Package, empty: str) -> None:
    package.add("0001", None, "op.execute('SELECT pg_sleep(0.5)'); create_messaging_tables(op)")
    argv = [sys.executable, "-c", f"from chassis.database import migrate; migrate({package.name!r}, {empty!r})"]
    jobs = [subprocess.Popen(argv, cwd=package.folder.parents[1]) for _ in range(2)]
    assert [job.wait(60) for job in jobs] == [0, 0]


def test_who_waits_for_the_schema_goes_on_once_it_is_migrated(package: Package, engines: Engines) -> None:
    database = engines.empty_database(SOURCE)
    package.add("0001", None)
    assert await_schema(package.name, database.url, 0.1) is False
    timer = threading.Timer(0.5, migrate, (package.name, database.owner_url))
    timer.start()
    assert await_schema(package.name, database.url, 20) is True
    timer.join()


def test_an_older_schema_is_waited_for_and_a_later_releases_is_not(package: Package, engines: Engines) -> None:
    """Else the previous release could not start again while the next one is rolled out."""
    database = engines.empty_database(SOURCE)
    package.add("0001", None)
    migrate(package.name, database.owner_url)
    package.add("0002", "0001", "pass")
    assert await_schema(package.name, database.url, 0.1) is False
    migrate(package.name, database.owner_url)
    (package.folder / "versions" / "0002.py").unlink()
    (package.folder / "head").write_text("0001\n")
    assert await_schema(package.name, database.url, 0.1) is True


def test_a_database_that_is_not_made_yet_is_waited_for(engines: Engines) -> None:
    url = engines.empty_database(SOURCE).url
    assert await_database(url, 0.1) is True
    assert await_database(f"{url}_that_nobody_made", 0.1) is False


# Forgetting by age ---------------------------------------------------------------------------------------------------

KEEP = Retention(inbox_days=45, once_days=30)


def test_what_was_handled_is_remembered_for_its_days_and_then_goes_in_bounded_batches(source: Store) -> None:
    clock = FixedClock()
    with source.database.transaction() as connection:
        for table, columns, values in (
            ("inbox", "handler, source, id, handled_at", "'h', 's', n::text"),
            ("once", "scope, key, digest, created_at", "'s', n::text, 'd'"),
        ):
            rows = f"INSERT INTO {table} ({columns}) SELECT {values}, %s FROM generate_series(1, 5) n"
            connection.exec_driver_sql(rows, (clock.now(),))
    clock.advance(days=30)
    assert KEEP.forget(source.database, clock.now()) == {"inbox": 0, "once": 0}, "a day that is not over counts"
    clock.advance(seconds=1)
    assert KEEP.forget(source.database, clock.now(), batch=3) == {"inbox": 0, "once": 3}
    assert KEEP.forget(source.database, clock.now(), batch=3) == {"inbox": 0, "once": 2}
    clock.advance(days=15)
    assert KEEP.forget(source.database, clock.now()) == {"inbox": 5, "once": 0}


def test_forgetting_passes_over_what_others_have_under_way(source: Store) -> None:
    source.rows("INSERT INTO once (scope, key, digest) VALUES ('s', '1', 'd'), ('s', '2', 'd')")
    late = FixedClock(datetime.now(UTC) + timedelta(days=31)).now()
    with source.database.transaction() as connection:
        connection.exec_driver_sql("SELECT * FROM once WHERE key = '1' FOR UPDATE")
        assert KEEP.forget(source.database, late)["once"] == 1
    assert source.one("SELECT key FROM once") == "1"


def test_forgetting_finds_its_rows_by_an_index(source: Store) -> None:
    """Else every turn would read the whole table."""
    with source.database.transaction() as connection:
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        for table, statement in STATEMENTS.items():
            values = {"before": datetime.now(UTC), "batch": 1}
            plan = connection.execute(sa.text(f"EXPLAIN {statement.text}"), values).scalars().all()
            assert any("Index Scan using" in line and f"on {table}" in line for line in plan), plan


def test_a_key_that_is_forgotten_between_two_looks_acts_anew(source: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    work = Work(source)
    work("k")
    asked = iter([None])

    def forgotten(connection: sa.Connection, *looked_for: Any) -> Any:
        if next(asked, "again") is None:  # between the claim that failed and the look at the stored row
            source.rows("DELETE FROM once")
        return find(connection, *looked_for)

    find = once_module._stored
    monkeypatch.setattr(once_module, "_stored", forgotten)
    assert work("k") == b"answer 2"
