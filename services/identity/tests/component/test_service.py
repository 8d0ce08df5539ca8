"""The running identity on a real broker and database: what other services may learn, and who may act."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from chassis.database import Database
from chassis.errors import Fault
from chassis.sealed import FieldKeys
from identity.adapters.passwords import matches
from identity.adapters.sealing import Sealing
from identity.adapters.storage import Storage
from identity.domain.policies import open_session
from identity.samples import read_samples
from joserfc.jwk import OKPKey
from sqlalchemy import text
from tongban.courier.v1.courier_pb2 import RegistryInstalled
from tongban.identity.v1 import identity_pb2 as pb

from tests.support.calls import BusClient, a_person, eventually

from ..factories import CREDIT_CODE, ID_NUMBER, KEY, OTHER_KEY, PASSWORD, ROOT, a_registry

pytestmark = pytest.mark.engines

LOGINS = [sample.login for sample in read_samples()]
OPERATOR, FLEET = a_person("operator", subject="operator-1"), a_person("fleet_manager")


@pytest.fixture(scope="module")
def root() -> Iterator[str]:
    """File with the public half of the alliance's root key, where the service's account can read it."""
    path = Path(tempfile.mkdtemp(prefix="tongban-root-")) / "root.jwk"
    path.write_text(json.dumps(ROOT.as_dict(private=False) | {"alg": "EdDSA"}))
    for place in (path.parent, path):
        place.chmod(0o755)
    yield str(path)
    shutil.rmtree(path.parent)


@pytest.fixture(scope="module")
def environ(engines, database, root):
    told = {"TONGBAN_DATABASE_URL": database.url, "TONGBAN_ALLIANCE_ROOT": root}
    return engines.district.service_environ("identity") | told


@pytest.fixture(scope="module")
def bus(broker, database, service_process, root) -> BusClient:
    service_process("identity", database, TONGBAN_ALLIANCE_ROOT=root)
    return BusClient(broker)


def load(environ, path) -> subprocess.CompletedProcess:
    argv = [sys.executable, "-m", "identity", "load-samples", "--passwords-file", str(path)]
    return subprocess.run(argv, env=environ, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture(scope="module")
def people(environ, database, tmp_path_factory) -> dict[str, str]:
    """login → subject of the samples, loaded by the command."""
    path = tmp_path_factory.mktemp("samples") / "passwords.json"
    path.write_text(json.dumps(dict.fromkeys(LOGINS, PASSWORD)))
    done = load(environ, path)
    assert (done.returncode, done.stdout) == (
        0,
        "10 sample accounts: 10 new, 0 changed, 0 unchanged; sample firms: 1\n",
    ), done.stderr
    again = load(environ, path)
    assert again.stdout == "10 sample accounts: 0 new, 0 changed, 10 unchanged; sample firms: 1\n"
    pool = Database(database.url)
    with pool.transaction() as connection:
        accounts = Storage(connection, Sealing(FieldKeys.of(environ["TONGBAN_FIELD_KEY"]))).accounts
        found = {login: accounts.by_login(login).subject for login in LOGINS}
        firm = Storage(connection, Sealing(FieldKeys.of(environ["TONGBAN_FIELD_KEY"]))).firms
        found["the firm"] = firm.by_credit_code(CREDIT_CODE).subject
    pool.close()
    return found


def test_loading_without_every_password_changes_nothing_and_says_why(environ, people, tmp_path) -> None:
    path = tmp_path / "passwords.json"
    path.write_text(json.dumps({"citizen": "another long password"}))
    done = load(environ, path)
    assert done.returncode == 2
    assert "'clerk'" in done.stderr
    path.write_text(json.dumps(dict.fromkeys(LOGINS, PASSWORD)))
    assert "10 unchanged" in load(environ, path).stdout


def add_staff(environ, password, *argv) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "identity", "add-staff", *argv]
    return subprocess.run(command, env=environ, input=password, capture_output=True, text=True, timeout=60, check=False)


def test_both_commands_say_in_a_sentence_what_is_missing_or_away(environ, tmp_path) -> None:
    path = tmp_path / "passwords.json"
    path.write_text(json.dumps(dict.fromkeys(LOGINS, PASSWORD)))
    who = ["--login", "zhao.liu", "--name", "赵六", "--role", "clerk"]
    away = environ | {"TONGBAN_DATABASE_URL": "postgresql://identity:x@127.0.0.1:1/identity"}
    unset = {name: value for name, value in environ.items() if name != "TONGBAN_DATABASE_URL"}
    for told, status, said in ((away, 1, "database"), (unset, 2, "TONGBAN_DATABASE_URL")):
        for done in (load(told, path), add_staff(told, f"{PASSWORD}\n", *who)):
            assert (done.returncode, done.stdout) == (status, "")
            assert said in done.stderr
            assert "Traceback" not in done.stderr


def test_a_new_district_gets_its_first_operator_without_samples_and_no_password_on_the_command_line(
    bus, environ, people, database
) -> None:
    who = ["--login", "Wang.Wu", "--name", "王五", "--role", "operator", "--role", "clerk"]
    done = add_staff(environ, f"{PASSWORD}\n", *who)
    assert (done.returncode, done.stderr) == (0, "")
    pool = Database(database.url)
    with pool.transaction() as connection:
        accounts = Storage(connection, Sealing(FieldKeys.of(environ["TONGBAN_FIELD_KEY"]))).accounts
        made = accounts.by_login("wang.wu")
        assert made.subject == done.stdout.strip()
        assert ({role.value for role in made.roles}, made.sample) == ({"operator", "clerk"}, False)
        assert matches(accounts.password_hash(made.subject), PASSWORD)
    pool.close()
    again = add_staff(environ, f"{PASSWORD}\n", *who)
    assert (again.returncode, again.stdout) == (2, "")
    assert "'wang.wu' belongs to somebody" in again.stderr
    weak = add_staff(environ, "password1234\n", "--login", "li.si", "--name", "李四", "--role", "clerk")
    assert weak.returncode == 2
    assert "password" in weak.stderr
    assert "password1234" not in weak.stderr


def test_a_case_learns_who_applies_and_the_name_the_other_district_has_for_them(bus, people) -> None:
    def ask(district: str) -> pb.Applicant:
        request = pb.GetApplicantRequest(subject=people["citizen"], pairwise_for_district=district)
        return bus.call("identity.get_applicant", request, pb.Applicant, caller="case_routing")

    applicant = ask("310101")
    assert (applicant.name, applicant.id_number, applicant.acr) == ("样例居民", ID_NUMBER, "L4")
    assert applicant.pairwise_subject not in ("", people["citizen"])
    assert ask("310101").pairwise_subject == applicant.pairwise_subject != ask("320106").pairwise_subject
    assert ask("320508").pairwise_subject == people["citizen"], "at home the subject is its own"
    assert ask("").pairwise_subject == ""


def acting(people, by: str, district: str = "310101") -> pb.GetApplicantRequest:
    handler = people.get(by, by)
    return pb.GetApplicantRequest(subject=people["the firm"], pairwise_for_district=district, handler_subject=handler)


@pytest.mark.parametrize("by", ["handler", "representative"])
def test_a_firm_s_case_learns_the_firm_and_who_acts_for_it(bus, people, by) -> None:
    firm = bus.call("identity.get_applicant", acting(people, by), pb.Applicant, caller="case_routing")
    assert (firm.kind, firm.name, firm.id_number, firm.acr) == ("firm", "样例科技有限公司", CREDIT_CODE, "L4")
    assert firm.handler_name.startswith("样例")
    assert list(firm.item_codes) == []
    assert firm.pairwise_subject not in ("", people["the firm"], firm.handler_pairwise_subject)
    assert firm.handler_pairwise_subject not in ("", people[by])


@pytest.mark.parametrize("by", ["citizen", "citizen2", "clerk", "nobody", "310101:pairwise"])
def test_who_has_no_mandate_acts_for_no_firm(bus, people, by) -> None:
    fault = refused(bus, "identity.get_applicant", acting(people, by), pb.Applicant, caller="case_routing")
    assert (fault.code, fault.kind) == ("identity.no_mandate", "forbidden")


def test_a_firm_is_no_person_and_is_reached_by_nobody(bus, people) -> None:
    for method, request, answer, caller in (
        ("identity.get_applicant", pb.GetApplicantRequest, pb.Applicant, "case_routing"),
        ("identity.get_contact", pb.GetContactRequest, pb.Contact, "notification"),
    ):
        fault = refused(bus, method, request(subject=people["the firm"]), answer, caller=caller)
        assert fault.code == "identity.account_not_found"


def at_window(bus, actor, **changes) -> pb.ProvenAccount:
    seen = {"login": "citizen2", "name": "样例邻居", "id_number": "110101188001010134"}
    return bus.call("identity.record_proof", pb.RecordProofRequest(**seen | changes), pb.ProvenAccount, actor=actor)


def test_a_clerk_records_that_somebody_stood_before_them_and_nobody_else_does(bus, people, database) -> None:
    for actor in (a_person("citizen"), a_person("operator"), None):
        with pytest.raises(Fault) as error:
            at_window(bus, actor)
        assert error.value.code == "rpc.forbidden"
    clerk = a_person("clerk", subject=people["clerk"])
    for changes, code in (
        ({"login": "nobody"}, "identity.account_not_found"),
        ({"name": "另一人"}, "identity.proof_refused"),
        ({"id_number": ID_NUMBER}, "identity.proof_refused"),
    ):
        with pytest.raises(Fault) as error:
            at_window(bus, clerk, **changes)
        assert error.value.code == code
    assert (at_window(bus, clerk).acr, at_window(bus, clerk).version) == ("L5", 2)
    pool = Database(database.url)
    with pool.transaction() as connection:
        rows = connection.exec_driver_sql("SELECT subject, way, source, by FROM proofs ORDER BY at").all()
    pool.close()
    assert [tuple(row) for row in rows] == [(people["citizen2"], "window", "window", people["clerk"])] * 2


def test_a_notice_learns_where_to_send_it(bus, people) -> None:
    contact = bus.call(
        "identity.get_contact", pb.GetContactRequest(subject=people["citizen"]), pb.Contact, caller="notification"
    )
    assert (contact.email, contact.language) == ("citizen@sample.example", "zh-Hans")


def refused(bus, method, request, answer, **how) -> Fault:
    with pytest.raises(Fault) as error:
        bus.call(method, request, answer, **how)
    return error.value


@pytest.mark.parametrize(
    ("method", "request_type", "answer", "caller"),
    [
        ("identity.get_applicant", pb.GetApplicantRequest, pb.Applicant, "case_routing"),
        ("identity.get_contact", pb.GetContactRequest, pb.Contact, "notification"),
        ("identity.disable_account", pb.DisableAccountRequest, pb.Account, "gateway"),
    ],
)
def test_who_is_not_here_is_said_to_be_not_here(bus, method, request_type, answer, caller) -> None:
    fault = refused(bus, method, request_type(subject="nobody"), answer, caller=caller, actor=OPERATOR)
    assert (fault.code, fault.kind) == ("identity.account_not_found", "not_found")


def register(bus, client_id="kiosk-1", key=KEY, roles=("kiosk",), actor=FLEET) -> pb.Client:
    request = pb.RegisterClientRequest(client_id=client_id, public_jwk=key, roles=roles)
    return bus.call("identity.register_client", request, pb.Client, caller="terminal_fleet", actor=actor)


def test_a_kiosk_s_client_is_registered_once(bus) -> None:
    first = register(bus)
    assert (first.client_id, list(first.roles), first.enabled) == ("kiosk-1", ["kiosk"], True)
    assert register(bus) == first


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"key": "{}"}, "identity.invalid_client"),
        ({"key": OTHER_KEY}, "identity.client_exists"),
        ({"client_id": "A"}, "identity.invalid_client"),
        ({"client_id": "kiosk-9", "roles": ("operator",)}, "identity.role_not_for_clients"),
        ({"client_id": "kiosk-9", "actor": a_person("citizen")}, "rpc.forbidden"),
        ({"client_id": "kiosk-9", "actor": None}, "rpc.forbidden"),
    ],
)
def test_what_may_not_be_registered_is_refused_with_its_code(bus, changes, code) -> None:
    register(bus)
    with pytest.raises(Fault) as error:
        register(bus, **changes)
    assert error.value.code == code


def disable(bus, subject, actor=OPERATOR) -> pb.Account:
    request = pb.DisableAccountRequest(subject=subject, reason="reported stolen")
    return bus.call("identity.disable_account", request, pb.Account, actor=actor)


def test_only_an_operator_shuts_out_and_not_themself(bus, people) -> None:
    with pytest.raises(Fault) as error:
        disable(bus, people["clerk"], a_person("clerk", "citizen"))
    assert error.value.code == "rpc.forbidden"
    with pytest.raises(Fault) as error:
        disable(bus, OPERATOR.subject)
    assert error.value.code == "identity.own_account"


def test_shutting_out_is_done_once_and_written_for_whoever_listens(bus, people, database) -> None:
    assert [disable(bus, people["agent"]).version for _ in range(2)] == [2, 2]
    pool = Database(database.url)

    def told() -> list[tuple[str, str]]:
        with pool.transaction() as connection:
            rows = connection.exec_driver_sql("SELECT type, headers->>'cloudEvents:subject', body FROM outbox")
            return [(row[0], row[1], pb.AccountDisabled.FromString(bytes(row[2]))) for row in rows]

    ((kind, subject, event),) = eventually(told)
    pool.close()
    assert (kind, subject) == ("tongban.identity.v1.AccountDisabled", f"account/{people['agent']}")
    assert (event.subject, event.reason, event.version) == (people["agent"], "reported stolen", 2)


def test_no_personal_data_is_in_the_log(bus, people, service_process, engines) -> None:
    logs = "".join(path.read_text() for path in (engines.district.folder / "logs").glob("identity-*.log"))
    assert logs
    for secret in (ID_NUMBER, "样例居民", "citizen@sample.example", PASSWORD):
        assert secret not in logs


def test_the_newest_registry_that_the_root_signed_is_kept_and_another_is_parked(bus, environ, database) -> None:
    def told(version: int, text: str) -> None:
        event = RegistryInstalled(version=version, signed_registry=text)
        bus.tell(event, source="courier", subject="registry", version=version)

    def kept() -> list[tuple[int, str]]:
        with pool.transaction() as connection:
            return [
                tuple(row) for row in connection.execute(text("SELECT version, document FROM registries ORDER BY 1"))
            ]

    pool = Database(database.url)
    told(3, forged := a_registry(version=3, key=OKPKey.generate_key("Ed25519", {"kid": "root"})))
    told(2, second := a_registry(version=2))
    eventually(lambda: kept() == [(2, second)])
    told(1, a_registry(version=1))
    told(4, fourth := a_registry(version=4))
    eventually(lambda: kept() == [(2, second), (4, fourth)])
    assert forged not in dict(kept()).values()
    pool.close()


def test_the_gateway_learns_which_sessions_ended(bus, environ, database, people) -> None:
    now = datetime.now(UTC)
    with Database(database.url).transaction() as connection:
        work = Storage(connection, Sealing(FieldKeys.of(environ["TONGBAN_FIELD_KEY"])))
        for sid in ("ended", "open"):
            work.sessions.add(open_session(f"cookie {sid}", sid, people["citizen"], now))
        work.sessions.end("ended", now)
    method, answer = "identity.list_ended_sessions", pb.ListEndedSessionsResponse
    told = bus.call(method, pb.ListEndedSessionsRequest(), answer)
    assert list(told.sids) == ["ended"]
    assert "ended" in bus.call(method, pb.ListEndedSessionsRequest(since=told.until), answer).sids
