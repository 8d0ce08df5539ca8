"""The storage on PostgreSQL keeps the promises that the fake keeps, and what stands in the tables is sealed."""

from __future__ import annotations

import pytest
from chassis.clock import FixedClock, new_id
from chassis.database import Database
from chassis.outbox import Outbox
from chassis.sealed import FieldKeys
from identity.adapters.sealing import Sealing
from identity.adapters.storage import Storage
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tests.support.transit import TRANSIT

from ..factories import ID_NUMBER, account
from ..storage_suite import StorageSuite

pytestmark = pytest.mark.engines

SEALING = Sealing(FieldKeys.plain(b"k" * 32))


@pytest.fixture(scope="module")
def pool(database):
    pool = Database(database.url)
    yield pool
    pool.close()


@pytest.fixture
def connection(pool):
    """Rolled back after each test."""

    class Undo(Exception):
        pass

    try:
        with pool.transaction() as connection:
            yield connection
            raise Undo
    except Undo:
        pass


class TestPostgres(StorageSuite):
    @pytest.fixture
    def work(self, connection):
        return Storage(connection, SEALING, Outbox(connection, "identity", FixedClock(), new_id, TRANSIT))


def test_nothing_personal_stands_in_the_table(connection) -> None:
    Storage(connection, SEALING).accounts.add(account(), "-")
    row = connection.execute(text("SELECT accounts::text AS all FROM accounts")).scalar_one()
    for secret in (ID_NUMBER, "张三丰", "citizen@sample.example"):
        assert secret not in row
        assert secret.encode().hex() not in row


def test_one_id_number_has_one_account(connection) -> None:
    accounts = Storage(connection, SEALING).accounts
    accounts.add(account("one"), "-")
    with pytest.raises(IntegrityError, match="id_number_hash"):
        accounts.add(account("two"), "-")
