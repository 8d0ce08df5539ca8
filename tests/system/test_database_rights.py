"""Each service has its own database: its process works with rows, its migrations with tables, nobody else gets in."""

from __future__ import annotations

from contextlib import closing

import psycopg2
import pytest
from psycopg2 import errors

from tests.support.engines import Engines, ServiceDatabase


def connect(url: str):
    return closing(psycopg2.connect(url.replace("+psycopg2", "")))


@pytest.fixture(scope="module")
def mine(engines: Engines) -> ServiceDatabase:
    found = engines.empty_database("catalogue")
    with connect(found.owner_url) as connection, connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE things (id serial PRIMARY KEY, name text)")
    return found


@pytest.fixture(scope="module")
def other(engines: Engines) -> ServiceDatabase:
    return engines.empty_database("hotline")


def test_a_running_service_works_with_the_rows_of_its_tables(mine: ServiceDatabase) -> None:
    with connect(mine.url) as connection, connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO things (name) VALUES ('one') RETURNING id")
        cursor.execute("UPDATE things SET name = 'two'")
        cursor.execute("DELETE FROM things")
        assert cursor.rowcount == 1


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE more (id int)",
        "DROP TABLE things",
        "ALTER TABLE things ADD COLUMN more int",
        "TRUNCATE things",
        "CREATE SCHEMA more",
        "SET ROLE catalogue_owner",
        "CREATE ROLE more",
        "CREATE DATABASE more",
        "COPY things FROM PROGRAM 'true'",
        "SELECT pg_read_file('/etc/passwd')",
    ],
)
def test_a_running_service_changes_no_table_and_no_right(mine: ServiceDatabase, statement: str) -> None:
    with connect(mine.url) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor, pytest.raises(errors.InsufficientPrivilege):
            cursor.execute(statement)


@pytest.mark.parametrize("role", ["url", "owner_url"])
def test_no_role_of_one_service_enters_the_database_of_another(mine, other, role: str) -> None:
    foreign = getattr(mine, role).replace(mine.name, other.name)
    assert foreign != getattr(mine, role)
    with pytest.raises(psycopg2.OperationalError, match=r"permission denied|no pg_hba\.conf entry"), connect(foreign):
        pass


@pytest.mark.parametrize("database", ["postgres", "template1"])
def test_no_service_enters_the_clusters_own_databases(mine: ServiceDatabase, database: str) -> None:
    with pytest.raises(psycopg2.OperationalError), connect(mine.url.replace(mine.name, database)):
        pass


def test_a_wrong_password_is_refused(mine: ServiceDatabase, engines: Engines) -> None:
    password = engines.district.secrets.database["catalogue"].runtime
    with (
        pytest.raises(psycopg2.OperationalError, match="password authentication failed"),
        connect(mine.url.replace(password, "wrong")),
    ):
        pass
