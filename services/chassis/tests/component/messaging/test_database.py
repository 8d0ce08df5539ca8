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
from pathlib import Path

import psycopg2
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from chassis.database import MigrationError, messaging_tables, migrate
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
from chassis.database import create_messaging_tables
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


def test_the_first_migration_makes_just_the_tables_that_the_code_knows(package: Package, empty: str) -> None:
    package.add("0001", None)
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
