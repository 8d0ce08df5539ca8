"""The real storage keeps the same promises as the fake, and what is personal is sealed."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from case_routing.adapters.storage import Work
from case_routing.adapters.tables import SEALED, metadata
from case_routing.domain.model import Mode
from case_routing.domain.policies import grant
from chassis.clock import FixedClock, new_id
from chassis.database import Database
from chassis.outbox import Outbox
from chassis.resealing import SealedTables, reseal
from chassis.sealed import FieldCipher, FieldKey, FieldKeys

from tests.support.transit import TRANSIT

from ..factories import INTAKE, at, submitted, under_review
from ..storage_suite import StorageSuite

pytestmark = pytest.mark.engines

KEY = b"k" * 32


@pytest.fixture
def rows(database):
    """The service's database, its cases gone."""
    store = Database(database.url)
    with store.transaction() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
    yield store
    store.close()


def work_of(connection, here: str, keys: FieldKeys | None = None) -> Work:
    return Work(
        connection,
        Outbox(connection, "case_routing", FixedClock(), new_id, TRANSIT),
        FieldCipher(keys or FieldKeys.plain(KEY)),
        here,
    )


class TestPostgres(StorageSuite):
    @pytest.fixture
    def storage(self, rows):
        """Each call commits the transaction before it and opens the next."""
        with ExitStack() as last:

            def open_next(here: str) -> Work:
                last.close()
                return work_of(last.enter_context(rows.transaction()), here)

            yield open_next


def test_no_table_holds_a_name_an_id_number_reasons_a_file_name_or_a_content_in_clear(rows):
    case = under_review()
    case = grant(case, "因患病酌情准予", "document-1", at(9)).case
    with rows.transaction() as connection:
        work = work_of(connection, INTAKE)
        work.cases.save(work.cases.lock(case.number).with_case(case))
    everything = b""
    with rows.transaction() as connection:
        for table in metadata.sorted_tables:
            for row in connection.execute(sa.select(table)):
                everything += b"|".join(v if isinstance(v, bytes) else str(v).encode() for v in row)
    assert case.number.encode() in everything
    for secret in ("样本甲", "320508199001010012", "因患病酌情准予", "identity_card.pdf", "scan of a card"):
        assert secret.encode() not in everything


def test_a_letter_to_the_handling_district_carries_the_contents_also_from_a_later_transaction(rows):
    step = submitted(Mode.PROXY_COLLECTION)
    from case_routing import messages
    from case_routing.domain.policies import receive

    with rows.transaction() as connection:
        work = work_of(connection, INTAKE)
        work.cases.save(work.cases.lock(step.case.number).with_case(step.case))
    with rows.transaction() as connection:
        work = work_of(connection, INTAKE)
        received = receive(work.cases.lock(step.case.number).case, at(1))
        work.cases.save(work.cases.lock(step.case.number).with_case(received.case))
        for event in received.events:
            work.record(event)
    with rows.transaction() as connection:
        row = connection.execute(
            sa.text("SELECT id::text AS id, type, body FROM outbox WHERE type LIKE '%HandOverOffered'")
        ).one()
    offer = messages.HandOverOffered.FromString(TRANSIT.open(row.body, id=row.id, type=row.type))
    assert offer.file.materials[0].content == b"scan of a card"


def test_the_tables_are_what_the_migrations_make(rows):
    with rows.transaction() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
    assert [each for each in differences if "alembic_version" not in str(each)] == []


def test_cases_and_files_are_sealed_under_a_new_key_and_read_without_the_old_one(rows):
    old, new = FieldKey(KEY, named=False), FieldKey(b"n" * 32)
    case = grant(under_review(), "因患病酌情准予", "document-1", at(9)).case
    with rows.transaction() as connection:
        work = work_of(connection, INTAKE)
        work.cases.save(work.cases.lock(case.number).with_case(case))
    with rows.transaction() as connection:
        before = work_of(connection, INTAKE).cases.get(case.number)
        contents = work_of(connection, INTAKE).cases.with_contents(before)
    one_by_one = SealedTables(tuple(replace(each, batch=1) for each in SEALED.tables))
    assert reseal(rows, FieldCipher(FieldKeys([new, old])), one_by_one) == {}
    with rows.transaction() as connection:
        cases = work_of(connection, INTAKE, FieldKeys([new])).cases
        assert cases.get(case.number) == before
        assert cases.with_contents(before) == contents
        assert {m.content for m in contents} != {None}
