"""The field keys change while people sign in: no row is lost, everybody is found, and other districts notice nothing (ADR 0029)."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from chassis.database import Database
from chassis.resealing import FieldKeyMissing, FixedKeyChanged, KeyGuard, SealedTables, reseal, rows_left
from chassis.sealed import FieldCipher, FieldKey, FieldKeys
from identity.adapters.sealing import Sealing, fixed_keys, pairwise_key
from identity.adapters.storage import Storage
from identity.adapters.tables import SEALED, metadata
from identity.domain.federation import Attempt, ForeignSession
from identity.domain.firms import Standing
from identity.domain.model import Assurance, Person, Role
from identity.domain.policies import open_session, pairwise_subject
from identity.domain.vouching import Word
from sqlalchemy import select, text

from ..factories import HUANGPU, ID_NUMBER, NOW, account, firm, mandate

pytestmark = pytest.mark.engines

OLD, NEW = FieldKey(b"o" * 32, named=False), FieldKey(b"n" * 32)
BEFORE, ADDED, USED, AFTER = ([OLD], [OLD, NEW], [NEW, OLD], [NEW])
PEOPLE = 40
STANDING = Standing(firm(subject=f"{HUANGPU}:firm"), frozenset())


@pytest.fixture
def pool(database) -> Iterator[Database]:
    """The tables, empty."""
    pool = Database(database.url)
    with pool.transaction() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
    yield pool
    pool.close()


@contextmanager
def work(pool: Database, keys: list[FieldKey]) -> Iterator[Storage]:
    with pool.transaction() as connection:
        yield Storage(connection, Sealing(FieldKeys(keys)))


def guard(pool: Database, keys: list[FieldKey], pairwise: str = "") -> KeyGuard:
    held = FieldKeys(keys)
    return KeyGuard(pool, held, SEALED, fixed_keys(held, pairwise or pairwise_text()))


def pairwise_text() -> str:
    return base64.b64encode(pairwise_key(FieldKeys([OLD]), "")).decode()


def number_of(at: int) -> str:
    return f"1101011880010{at:05d}"


def fill(pool: Database, keys: list[FieldKey], *, since: int = 0, until: int = PEOPLE) -> None:
    """People, each with a mandate, and one of another district who is on their way and signed in."""
    with work(pool, keys) as here:
        if since == 0:
            here.accounts.add(account("leader", role=Role.CLERK), "-")
            here.firms.add(firm())
            here.switches.begin(Attempt("state", "browser", HUANGPU, "nonce", "verifier", True, False, "", NOW))
            here.foreign_accounts.keep(f"{HUANGPU}:p", Person("李四", number_of(999), "", ""), Assurance.L4, NOW)
            here.sessions.add(open_session("c", "sid", f"{HUANGPU}:p", NOW))
            there = ForeignSession("sid", HUANGPU, "sid there", f"{HUANGPU}:p", Assurance.L4, "refresh", NOW)
            here.foreign_sessions.put(there, NOW)
            here.foreign_firms.keep(f"{HUANGPU}:p", Word([STANDING], NOW, NOW + timedelta(hours=1)))
        for at in range(since, until):
            here.accounts.add(account(f"p{at:05d}", id_number=number_of(at)), "-")
            here.mandates.add(mandate(f"m{at:05d}", handler_number=number_of(at)))


def everybody_is_read_and_found(pool: Database, keys: list[FieldKey], until: int = PEOPLE) -> None:
    with work(pool, keys) as here:
        for at in range(until):
            found = here.accounts.by_login(f"p{at:05d}")
            assert (found.person.name, found.person.id_number) == ("张三丰", number_of(at))
            (held,) = here.mandates.of_handler(number_of(at))
            assert (held.id, held.handler_number) == (f"m{at:05d}", number_of(at))
        assert here.accounts.get(f"{HUANGPU}:p").person.id_number == number_of(999)
        assert here.foreign_sessions.get("sid").refresh_token == "refresh"
        assert [held.firm.name for held in here.foreign_firms.of(f"{HUANGPU}:p", NOW)] == [STANDING.firm.name]


def left(pool: Database, keys: list[FieldKey]) -> dict[str, int]:
    return rows_left(pool, FieldCipher(FieldKeys(keys)), SEALED)


def command(database, keys: list[FieldKey], *argv: str) -> subprocess.Popen:
    told = {
        "TONGBAN_DATABASE_URL": database.url,
        "TONGBAN_FIELD_KEY": ",".join(key.as_text() for key in keys),
    }
    argv = (sys.executable, "-m", "identity", "reseal", *argv)
    return subprocess.Popen(
        argv, env=os.environ | told, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1
    )


def test_everybody_is_read_and_found_by_their_number_in_every_phase_and_old_processes_read_what_new_ones_write(
    pool, database
) -> None:
    fill(pool, BEFORE, until=10)
    everybody_is_read_and_found(pool, BEFORE, 10)
    # Two neighbouring phases are always there at once, while pods are replaced.
    for at, (earlier, later) in enumerate([(BEFORE, ADDED), (ADDED, USED)], start=1):
        fill(pool, earlier, since=10 * at, until=10 * at + 5)
        fill(pool, later, since=10 * at + 5, until=10 * at + 10)
        for keys in (earlier, later):
            everybody_is_read_and_found(pool, keys, 10 * at + 10)
    assert left(pool, USED)["accounts"] == 26  # 10 before, 10 and 5 while they were added, the leader
    done = command(database, USED)
    said, refused = done.communicate(timeout=60)
    assert (done.returncode, refused) == (0, "")
    assert said.splitlines()[-1].endswith("rows sealed anew, 0 left")
    for keys in (USED, AFTER):
        everybody_is_read_and_found(pool, keys, 30)
    fill(pool, AFTER, since=30)
    everybody_is_read_and_found(pool, USED)
    with work(pool, AFTER) as here:
        assert here.switches.take("state", "browser").verifier == "verifier"


def test_killed_in_the_middle_it_goes_on_where_it_was_and_overwrites_nobody_s_change(pool, database) -> None:
    fill(pool, BEFORE)
    someone = account("p00020", id_number=number_of(20))
    with work(pool, USED) as here:
        # Held, so that the command cannot come to its end.
        here.accounts.get_for_change(someone.subject)
        running = command(database, USED, "--json")
        first = json.loads(running.stdout.readline())
        running.kill()
        running.communicate(timeout=30)
        assert first["table"] == "accounts"
        assert first["resealed"] == PEOPLE  # with the leader, but for the one who is held
        changed = replace(someone, person=replace(someone.person, phone="+8613800000000"))
        here.accounts.save(changed)
    everybody_is_read_and_found(pool, USED)
    again = command(database, USED, "--json")
    said, refused = again.communicate(timeout=60)
    assert (again.returncode, refused) == (0, "")
    last = json.loads(said.splitlines()[-1])
    assert (last["left"], last["left_by_table"], last["key"]) == (0, {}, NEW.id)
    everybody_is_read_and_found(pool, AFTER)
    with work(pool, AFTER) as here:
        assert here.accounts.get(someone.subject) == changed


def test_many_batches_come_to_the_end_of_every_table(pool) -> None:
    fill(pool, BEFORE)
    small = SealedTables(tuple(replace(each, batch=7) for each in SEALED.tables))
    batches: list[str] = []
    assert reseal(pool, FieldCipher(FieldKeys(USED)), small, lambda progress: batches.append(progress.table)) == {}
    assert (batches.count("accounts"), batches.count("mandates")) == (6, 6)
    everybody_is_read_and_found(pool, AFTER)


def test_a_row_that_somebody_holds_is_done_in_a_later_round(pool) -> None:
    fill(pool, BEFORE)
    rounds: list[str] = []
    let_go, held = threading.Event(), threading.Event()

    def hold() -> None:
        with work(pool, USED) as here:
            here.accounts.get_for_change("subject-p00003")
            held.set()
            let_go.wait(30)

    holder = threading.Thread(target=hold)
    holder.start()
    assert held.wait(30)

    def told(progress) -> None:
        rounds.append(progress.table)
        if progress.table == "switches":  # the last table: a whole round was done beside the holder
            let_go.set()

    try:
        assert reseal(pool, FieldCipher(FieldKeys(USED)), SEALED, told, pause_s=0.05) == {}
    finally:
        let_go.set()
        holder.join()
    assert rounds.count("accounts") == 2
    everybody_is_read_and_found(pool, AFTER)


def test_it_says_how_many_rows_are_left_and_changes_nothing_when_only_asked(pool, database) -> None:
    fill(pool, BEFORE)
    asked = command(database, USED, "--count", "--json")
    told = json.loads(asked.communicate(timeout=60)[0])
    assert (asked.returncode, told["resealed"]) == (1, 0)
    assert told["left_by_table"] == left(pool, USED)
    assert told["left"] == 2 * PEOPLE + 5
    everybody_is_read_and_found(pool, BEFORE)


def test_without_the_key_that_rows_are_under_it_says_so_and_leaves_them(pool, database) -> None:
    fill(pool, BEFORE)
    done = command(database, AFTER)
    _, refused = done.communicate(timeout=120)
    assert done.returncode == 1
    assert f"{2 * PEOPLE + 5} rows open under none of the keys in TONGBAN_FIELD_KEY" in refused
    assert "[field_key.missing]" in refused
    everybody_is_read_and_found(pool, BEFORE)


def test_a_key_taken_away_too_early_is_refused_until_no_row_needs_it(pool) -> None:
    guard(pool, BEFORE).check()
    fill(pool, BEFORE)
    for keys in (ADDED, USED):
        guard(pool, keys).check()
    with pytest.raises(FieldKeyMissing, match=rf"lacks the key {OLD.id}.*{PEOPLE + 1} of accounts.*field_key\.missing"):
        guard(pool, AFTER).check()
    guard(pool, USED).check()  # given back, everything is as it was
    everybody_is_read_and_found(pool, USED)
    assert reseal(pool, FieldCipher(FieldKeys(USED)), SEALED) == {}
    guard(pool, AFTER).check()
    everybody_is_read_and_found(pool, AFTER)


def test_a_key_that_replaces_the_only_one_is_refused_although_nobody_noted_that_one(pool) -> None:
    """A district that comes from a release before keys had names, with other Secrets."""
    fill(pool, BEFORE)
    with pytest.raises(FieldKeyMissing, match=r"field_key\.missing"):
        guard(pool, AFTER).check()
    guard(pool, BEFORE).check()


def test_a_second_change_of_keys_works_like_the_first_and_so_does_the_way_back(pool) -> None:
    third = FieldKey(b"t" * 32)
    guard(pool, BEFORE).check()
    fill(pool, BEFORE)
    for keys in (USED, [third, NEW], [NEW, third], [third, NEW]):
        guard(pool, keys if OLD in keys else [*keys, OLD]).check()
        assert reseal(pool, FieldCipher(FieldKeys([*dict.fromkeys([*keys, OLD])])), SEALED) == {}
        guard(pool, keys).check()
        everybody_is_read_and_found(pool, keys)
    with pytest.raises(FieldKeyMissing, match=third.id):
        guard(pool, [NEW]).check()
    guard(pool, [third]).check()
    assert reseal(pool, FieldCipher(FieldKeys([OLD, third])), SEALED) == {}
    everybody_is_read_and_found(pool, BEFORE)


@pytest.mark.parametrize("module", ["identity", "identity.http"])
def test_a_process_does_not_begin_without_a_key_that_rows_need(
    pool, engines, database, provider, tmp_path, module
) -> None:
    guard(pool, BEFORE).check()
    fill(pool, BEFORE)
    root = tmp_path / "root.jwk"
    root.write_text(json.dumps({"kty": "OKP", "crv": "Ed25519", "kid": "r", "x": "A" * 43}))
    told = engines.district.service_environ("identity") | {
        "TONGBAN_DATABASE_URL": database.url,
        "TONGBAN_FIELD_KEY": NEW.as_text(),
        "TONGBAN_PAIRWISE_KEY": pairwise_text(),
        "TONGBAN_ALLIANCE_ROOT": str(root),
        "TONGBAN_SIGNING_KEYS": str(provider.parts.settings.signing_keys),
        "TONGBAN_ISSUER": provider.parts.settings.issuer,
        "TONGBAN_LISTEN_ADDRESS": "127.0.0.1:0",
        "TONGBAN_TLS_CERTIFICATE": "/none",
        "TONGBAN_TLS_KEY": "/none",
        "TONGBAN_CA_FILE": str(provider.parts.settings.ca_file),
    }
    argv = [sys.executable, "-m", module]
    done = subprocess.run(argv, env=told, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False), done.stderr
    assert f"TONGBAN_FIELD_KEY lacks the key {OLD.id}" in done.stderr


def test_other_districts_know_people_by_the_same_names_and_another_pairwise_key_is_refused(pool) -> None:
    def name_at_huangpu(keys: list[FieldKey], setting: str) -> str:
        held = FieldKeys(keys)
        return pairwise_subject(Sealing(held, pairwise_key(held, setting)).pairwise_key, "subject-p00001", HUANGPU)

    before = name_at_huangpu(BEFORE, "")
    assert {name_at_huangpu(keys, pairwise_text()) for keys in (BEFORE, ADDED, USED, AFTER)} == {before}
    for keys in (ADDED, USED, AFTER):
        with pytest.raises(ValueError, match="TONGBAN_PAIRWISE_KEY: must be set"):
            name_at_huangpu(keys, "")
    guard(pool, BEFORE).check()
    with pytest.raises(FixedKeyChanged, match=r"TONGBAN_PAIRWISE_KEY is not the key .*field_key\.fixed"):
        guard(pool, BEFORE, "A" * 43 + "=").check()


def test_one_proven_number_has_one_account_under_whichever_key_it_stands(pool) -> None:
    with work(pool, BEFORE) as here:
        here.accounts.add(account("one"), "-")
        here.accounts.add(account("two", acr=Assurance.L2), "-")
        here.accounts.add(account("three", acr=Assurance.L2), "-")
    with work(pool, USED) as here:
        assert not here.accounts.save_proven(account("two", acr=Assurance.L4))
        assert here.accounts.save_proven(account("one", acr=Assurance.L5)), "their own"
    with work(pool, ADDED) as here:
        assert not here.accounts.save_proven(account("three", acr=Assurance.L4))


def test_two_who_prove_one_number_at_once_under_different_keys_are_not_both_believed(pool) -> None:
    with work(pool, BEFORE) as here:
        for login in ("one", "two"):
            here.accounts.add(account(login, acr=Assurance.L2), "-")
    believed: list[bool] = []

    def prove() -> None:
        with work(pool, USED) as here:
            believed.append(here.accounts.save_proven(account("two")))

    other = threading.Thread(target=prove)
    with work(pool, ADDED) as here:
        assert here.accounts.save_proven(account("one"))
        other.start()
        waiting = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        until = time.monotonic() + 30
        while not believed and not here.accounts._connection.execute(waiting).scalar_one():
            assert time.monotonic() < until
            time.sleep(0.01)
        assert believed == []
    other.join()
    assert believed == [False]
    with work(pool, USED) as here:
        proven = [here.accounts.by_login(login).acr for login in ("one", "two")]
    assert proven == [Assurance.L4, Assurance.L2]


def test_what_is_sealed_names_its_key_and_says_nothing_of_it(pool) -> None:
    with work(pool, USED) as here:
        here.accounts.add(account(), "-")
        row = here.accounts._connection.execute(select(metadata.tables["accounts"])).one()
    assert bytes(row.id_number_sealed)[:5].hex() == f"02{NEW.id}"
    assert ID_NUMBER.encode() not in bytes(row.id_number_sealed)
    assert NEW.id not in NEW.secret.hex()
