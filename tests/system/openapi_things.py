"""Something real for every operation of the public API to work on, in Gusu's gateway, with Huangpu on the other side.

Everything comes about as it does in life, through the two gateways and the commands of an operator. Once it is there
Huangpu is stopped: what Gusu offers it from then on stays offered, so that there is something to recall.
"""

from __future__ import annotations

import base64
import json
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pika
from chassis.sealed import FieldKeys
from identity import samples
from identity.domain.model import Account, AccountKind, Assurance, Role
from identity.domain.model import Person as PersonalData
from joserfc.jwk import OKPKey
from tongban_cli.client import Person, Refused
from tongban_cli.main import main as tongban
from tongban_local.environment import Environment
from tongban_local.installation import Installation
from tongban_local.links import call

from tests.support.calls import eventually
from tests.system.machine_client import Machine, public

GUSU, HUANGPU = "320508", "310101"
PATIENCE_S = 90.0
#: Role → login of the sample account that has it; a kiosk and a partner sign in by their keys.
LOGINS = {
    "citizen": "citizen",
    "clerk": "clerk",
    "operator": "operator",
    "agent": "agent",
    "fleet_manager": "fleet",
    "publisher": "publisher",
}
#: Items of Gusu, by how they are handled; items of Huangpu, by whether Gusu may open them there.
ONLINE, WINDOW = f"{GUSU}-tried-online", f"{GUSU}-tried-window"
MAY_OPEN, MAY_NOT_OPEN = f"{HUANGPU}-tried-open", f"{HUANGPU}-tried-shut"
#: Of what an act uses up there is more than one: the first is for the call that must succeed.
SEVERAL = 6
_PASSWORD = "a password of somebody who left"


@dataclass
class Things:
    """`callers`: role → who has it. By operation: `ids`, what may stand in its path; `bodies` and `queries`, what makes sense."""

    callers: dict[str, Person | Machine]
    ids: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    bodies: dict[str, Any] = field(default_factory=dict)
    queries: dict[str, dict[str, str]] = field(default_factory=dict)


@contextmanager
def things(environment: Environment, folder: Path) -> Iterator[Things]:
    """Both districts up, everything made, Huangpu stopped."""
    environment.up([GUSU, HUANGPU])
    gusu, huangpu = environment[GUSU], environment[HUANGPU]
    with ExitStack() as stack:

        def person(place: Installation, login: str) -> Person:
            return stack.enter_context(Person.of(place, login))

        here = {role: person(gusu, login) for role, login in LOGINS.items()}
        there = {role: person(huangpu, login) for role, login in LOGINS.items()}
        made = Things(dict(here))
        try:
            _items(here["publisher"], there["publisher"], here["citizen"])
            _tickets(made, here, there)
            _machines(made, gusu, here["fleet_manager"])
            _leaver(made, gusu)
            came_back = _came_back(environment, folder, here["citizen"], here["clerk"])
            _quarantined(gusu, huangpu)
        finally:
            environment.stop_district(HUANGPU)
        _cases(made, here, came_back)
        made.ids["list_sent_messages"] = [{"peer": HUANGPU}]
        yield made


# Items and agreements ------------------------------------------------------------------------------------------------


def item(code: str, mode: str = "fully_online") -> dict[str, Any]:
    """What a publisher says of an item that asks for one material."""
    return {
        "name_zh": f"试办事项 {code}",
        "name_en": f"item to try, {code}",
        "audience": "person",
        "theme": "tried",
        "mode": mode,
        "statutory_limit_days": 20,
        "promised_limit_days": 10,
        "materials": [{"key": "form", "name_zh": "申请表", "name_en": "form", "required": True}],
        "provenance": "sample",
        "terms_provenance": "sample",
    }


def application(code: str) -> dict[str, Any]:
    """A complete application for such an item."""
    content = base64.b64encode("样例材料".encode()).decode()
    return {
        "item_code": code,
        "materials": [{"key": "form", "name": "申请表.txt", "media_type": "text/plain", "content": content}],
    }


def publish(publisher: Person, code: str, mode: str = "fully_online") -> None:
    answer = publisher.answer("PUT", f"/v1/items/{code}", json=item(code, mode))
    assert answer.status_code == 200, answer.text


def _items(here: Person, there: Person, citizen: Person) -> None:
    publish(here, ONLINE)
    publish(here, WINDOW, "proxy_collection")
    for code in (MAY_OPEN, MAY_NOT_OPEN):
        publish(there, code)
        eventually(_quietly(lambda code=code: citizen.get(f"/v1/items/{code}")), PATIENCE_S)


def _agree(environment: Environment, folder: Path, version: int, begins: datetime, gusu_opens: str) -> None:
    """Another agreement, signed by both and given to both: what Gusu may open at Huangpu from then on."""
    file = str(folder / f"agreement-{version}.json")
    opens = ["--opens", f"{GUSU}={gusu_opens}", "--opens", f"{HUANGPU}=*"]
    since = ["--from", begins.isoformat(timespec="seconds")]
    tongban(["agreement", "make", file, "--parties", GUSU, HUANGPU, "--version", str(version), *since, *opens])
    for code in (GUSU, HUANGPU):
        tongban(["agreement", "sign", file, "--key", str(environment[code].courier_keys)])
    assert tongban(["--env", str(environment.folder), "agreement", "install", file]) == 0


# Machines, tickets, accounts -----------------------------------------------------------------------------------------


def kiosk(key: OKPKey, host: str = GUSU) -> dict[str, Any]:
    return {"name": "姑苏·惠服务", "host_district": host, "place": "政务服务大厅一楼", "public_jwk": public(key)}


def _machines(made: Things, gusu: Installation, fleet: Person) -> None:
    key = OKPKey.generate_key("Ed25519")
    registered = fleet.post("/v1/kiosks", kiosk(key))
    made.callers["kiosk"] = Machine(gusu, registered["client_id"], key)
    for operation in ("get_kiosk", "record_heartbeat"):
        made.ids[operation] = [{"id": registered["id"]}]
    made.bodies["register_kiosk"] = kiosk(OKPKey.generate_key("Ed25519"), HUANGPU)
    partner = OKPKey.generate_key("Ed25519")
    client = {"client_id": "a-partner", "public_jwk": json.dumps(public(partner)), "roles": ["partner"]}
    told = call(gusu, "identity.register_client", client, frozenset({"fleet_manager"}))
    assert not told["error"], told
    made.callers["partner"] = Machine(gusu, "a-partner", partner)


def _tickets(made: Things, here: dict[str, Person], there: dict[str, Person]) -> None:
    question = {"subject_line": "社保卡进度", "body": "请问何时可以领取？"}
    for operation in ("get_ticket", "transfer_ticket", "answer_ticket"):
        numbers = [here["citizen"].post("/v1/tickets", question)["number"] for _ in range(SEVERAL)]
        made.ids[operation] = [{"number": number} for number in numbers]
    theirs = there["citizen"].post("/v1/tickets", question)["number"]
    there["agent"].post(f"/v1/tickets/{theirs}/transfer", {"to_district": GUSU, "reason": "属姑苏区办理事项。"})
    agent = here["agent"]
    eventually(_quietly(lambda: agent.get(f"/v1/tickets/{theirs}")["holder"] == GUSU), PATIENCE_S)
    made.ids["bounce_ticket"] = [{"number": theirs}]
    made.bodies["transfer_ticket"] = {"to_district": HUANGPU, "reason": "属黄浦区办理事项。"}


def _leaver(made: Things, gusu: Installation) -> None:
    """An account that nobody needs any more."""
    data = PersonalData("样例离职人员", "", "leaver@sample.example", "")
    account = Account("leaver-0001", "leaver", AccountKind.STAFF, frozenset({Role.CLERK}), Assurance.L5, data)
    environ = gusu.district.service_environ("identity")
    settings = samples.Settings(
        database_url=environ["TONGBAN_DATABASE_URL"], field_key=FieldKeys.of(environ["TONGBAN_FIELD_KEY"])
    )
    samples.load(settings, [account], {"leaver": _PASSWORD})
    made.ids["disable_account"] = [{"subject": account.subject}]


def _quarantined(gusu: Installation, huangpu: Installation) -> None:
    """Something that comes over Huangpu's connection and is no envelope."""
    context = ssl.create_default_context(cafile=str(gusu.authority))
    context.load_cert_chain(huangpu.courier_client.certificate, huangpu.courier_client.key)
    parameters = pika.ConnectionParameters(
        gusu.host,
        gusu.district.port("courier"),
        "courier",
        pika.credentials.ExternalCredentials(),
        ssl_options=pika.SSLOptions(context, gusu.host),
    )
    connection = pika.BlockingConnection(parameters)
    channel = connection.channel()
    channel.confirm_delivery()
    channel.basic_publish("courier.in", "", b"no envelope", mandatory=True)
    connection.close()


# Cases ---------------------------------------------------------------------------------------------------------------


def _came_back(environment: Environment, folder: Path, citizen: Person, clerk: Person) -> str:
    """A case that Gusu could not hand over: agreed when it was taken in, and no longer when the courier came to it.

    A third agreement allows it again, so that it may be offered anew.
    """
    begins = datetime.now(UTC) + timedelta(seconds=20)
    _agree(environment, folder, 2, begins, f"{MAY_OPEN},kiosk,ticket")
    environment.stop_process(GUSU, "courier")
    number = str(citizen.post("/v1/cases", application(MAY_NOT_OPEN))["number"])
    time.sleep(max(0.0, (begins - datetime.now(UTC)).total_seconds()) + 1)
    environment.start_process(GUSU, "courier")
    eventually(lambda: clerk.get(f"/v1/cases/{number}")["due_act"] == "hand_over", PATIENCE_S)
    _agree(environment, folder, 3, datetime.now(UTC), "*")
    return number


def _cases(made: Things, here: dict[str, Person], came_back: str) -> None:
    citizen, clerk = here["citizen"], here["clerk"]

    def case(*acts: str, code: str = ONLINE) -> dict[str, str]:
        number = str(citizen.post("/v1/cases", application(code))["number"])
        for act in acts:
            clerk.post(f"/v1/cases/{number}/{act}", {"reasons": "材料齐全。"} if act == "grant" else None)
        return {"number": number}

    def several(*acts: str, code: str = ONLINE) -> list[dict[str, str]]:
        return [case(*acts, code=code) for _ in range(SEVERAL)]

    read = case("accept", "grant")
    for operation in ("get_case", "get_timeline", "get_case_story"):
        made.ids[operation] = [read]
    made.ids["get_material"] = [{**read, "key": "form"}]
    made.queries["list_deliveries"] = {"about": read["number"]}
    made.bodies["submit_case"] = application(ONLINE)
    made.ids |= {
        "receive_case": several(code=WINDOW),
        "accept_case": several(),
        "grant_case": several("accept"),
        "refuse_case": several("accept"),
        "deliver_case": several("receive", "accept", "grant", code=WINDOW),
        "withdraw_case": several(code=WINDOW),
        "recall_hand_over": several(code=MAY_OPEN),
        "hand_over_case": [{"number": came_back}],
        "get_item": [{"code": ONLINE}],
        "publish_item": [{"code": f"{GUSU}-tried-anew"}],
    }
    messages = eventually(lambda: citizen.get("/v1/messages", size=5)["items"], PATIENCE_S)
    made.ids["mark_message_read"] = [{"id": messages[0]["id"]}]


def _quietly(look: Callable[[], Any]) -> Callable[[], Any]:
    """`look`, with what is not there yet as nothing."""

    def looking() -> Any:
        try:
            return look()
        except Refused as error:
            if error.status == 404:
                return None
            raise

    return looking
