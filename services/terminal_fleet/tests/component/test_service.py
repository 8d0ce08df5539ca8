"""The running terminal fleet on a real broker and database; identity is played at its queue, districts at the courier.

The engines are Gusu's: it owns kiosks in Huangpu's hall, and hosts some of Huangpu's.
"""

from __future__ import annotations

import base64
import json
import threading
from itertools import count

import pytest
from chassis.errors import Fault
from terminal_fleet import messages
from terminal_fleet.domain.events import HealthReported, PlacementAnswered, PlacementOffered
from terminal_fleet.domain.model import Health, Placement
from tongban.courier.v1.courier_pb2 import AgreementInstalled, MessageRefused
from tongban.identity.v1.identity_pb2 import Client, RegisterClientRequest
from tongban.terminal_fleet.v1 import terminal_fleet_pb2 as pb

from tests.support.calls import BusClient, a_person, eventually, stand_in

from ..factories import GUSU, HUANGPU, NOW, PUBLIC_JWK, SHANGCHENG, kiosk

pytestmark = pytest.mark.engines

FLEET = a_person("fleet_manager", subject="fleet-1")
CLERK = a_person("clerk")
CLIENTS: dict[str, RegisterClientRequest] = {}

_keys = count()


def register_client(request: RegisterClientRequest) -> Client:
    if "refuse me" in request.public_jwk:
        raise Fault("identity.bad_key", "invalid", "The key is not one.")
    CLIENTS[request.client_id] = request
    return Client(client_id=request.client_id, roles=request.roles, enabled=True)


@pytest.fixture(scope="module")
def bus(broker, database, service_process):
    quick = {"TONGBAN_HEARTBEAT_INTERVAL_S": "1", "TONGBAN_SILENT_AFTER_S": "2", "TONGBAN_RETRY_LADDER": "1"}
    service_process("terminal_fleet", database, **quick)
    with stand_in(broker, "identity", {"register_client": (RegisterClientRequest, register_client)}):
        client = BusClient(broker)
        for peer in (HUANGPU, SHANGCHENG):
            agreed(client, peer)
        yield client


def agreed(bus, peer: str) -> None:
    """As the courier tells of an agreement that it installed, and waits until it is heard."""
    bus.tell(AgreementInstalled(peer=peer, version=1), source="courier", subject=f"agreement/{peer}", version=1)
    probe = {"host_district": peer, "idempotency_key": f"probe-{peer}", "public_jwk": new_key(int(peer))}
    eventually(lambda: outcome(lambda: register(bus, **probe)) != "terminal_fleet.host_not_linked")


def new_key(n: int) -> str:
    """A public key that nobody else has; identity is played, so nobody asks whether it is a point of the curve."""
    x = base64.urlsafe_b64encode(n.to_bytes(32, "big")).rstrip(b"=").decode()
    return json.dumps({"kty": "OKP", "crv": "Ed25519", "x": x})


def register(bus, actor=FLEET, **changes) -> pb.Kiosk:
    n = next(_keys)
    words = {"name": "姑苏·惠服务", "host_district": "", "place": "一楼", "public_jwk": new_key(n)}
    words |= {"idempotency_key": f"key-{n}"} | changes
    return bus.call("terminal_fleet.register_kiosk", pb.RegisterKioskRequest(**words), pb.Kiosk, actor=actor)


def get(bus, id: str) -> pb.Kiosk:
    return bus.call("terminal_fleet.get_kiosk", pb.GetKioskRequest(id=id), pb.Kiosk, actor=CLERK)


def beat(bus, id: str, sequence: int, client_id: str = "", roles=("kiosk",)) -> pb.RecordHeartbeatResponse:
    client_id = client_id or f"kiosk-{id}"
    actor = a_person(*roles, subject=client_id, client_id=client_id)
    request = pb.RecordHeartbeatRequest(kiosk_id=id, software_version="4.0", sequence=sequence)
    return bus.call("terminal_fleet.record_heartbeat", request, pb.RecordHeartbeatResponse, actor=actor)


def arrives(bus, message, id: str, district: str = HUANGPU) -> None:
    wire = messages.message_to_wire(message)
    bus.hand_on(wire, to="terminal_fleet", district=district, subject=f"kiosk/{id}")


def outcome(act) -> str:
    """The code of a refusal, else "done"."""
    try:
        act()
    except Fault as fault:
        return fault.code
    return "done"


def refused(act) -> str:
    with pytest.raises(Fault) as raised:
        act()
    return raised.value.code


def test_a_kiosk_is_registered_with_its_client_first_and_its_own_district_sees_it(bus) -> None:
    made = register(bus, public_jwk=PUBLIC_JWK)
    assert (made.owner_district, made.host_district) == (GUSU, GUSU)
    assert (made.placement, made.health) == (pb.PLACEMENT_STATE_CONFIRMED, pb.HEALTH_NEVER_SEEN)
    assert list(CLIENTS[made.client_id].roles) == ["kiosk"]
    assert CLIENTS[made.client_id].public_jwk == PUBLIC_JWK
    assert get(bus, made.id) == made
    listed = bus.call("terminal_fleet.list_kiosks", pb.ListKiosksRequest(), pb.ListKiosksResponse, actor=FLEET)
    assert made in listed.kiosks


def test_the_same_request_again_is_the_same_kiosk_and_the_same_client(bus) -> None:
    same = {"idempotency_key": "again", "public_jwk": new_key(10_000)}
    first = register(bus, **same)
    clients = set(CLIENTS)
    assert register(bus, **same) == first
    assert set(CLIENTS) == clients
    for other in ({"name": "other"}, {"public_jwk": new_key(10_001)}):
        assert refused(lambda other=other: register(bus, **{**same, **other})) == "request.key_reused"
    assert CLIENTS[first.client_id].public_jwk == same["public_jwk"]
    assert refused(lambda: register(bus, idempotency_key="")) == "request.key_missing"


def test_a_key_registers_one_kiosk_and_the_second_gets_no_client(bus) -> None:
    key = new_key(20_000)
    first = register(bus, public_jwk=key)
    clients = set(CLIENTS)
    assert refused(lambda: register(bus, public_jwk=key)) == "terminal_fleet.key_taken"
    assert set(CLIENTS) == clients
    assert get(bus, first.id) == first


def test_of_registrations_by_one_key_at_once_one_is_kept(bus, broker) -> None:
    key, outcomes = new_key(30_000), []

    def attempt() -> None:
        outcomes.append(outcome(lambda: register(BusClient(broker), public_jwk=key, name="at once")))

    threads = [threading.Thread(target=attempt) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["done"] + ["terminal_fleet.key_taken"] * 5
    listed = bus.call("terminal_fleet.list_kiosks", pb.ListKiosksRequest(), pb.ListKiosksResponse, actor=FLEET)
    assert [each.name for each in listed.kiosks].count("at once") == 1


def test_a_host_with_which_there_is_no_agreement_is_refused_until_there_is_one(bus) -> None:
    bus.engines.purge()
    clients = set(CLIENTS)
    assert refused(lambda: register(bus, host_district="340103")) == "terminal_fleet.host_not_linked"
    assert set(CLIENTS) == clients
    agreed(bus, "340103")
    assert register(bus, host_district="340103").placement == pb.PLACEMENT_STATE_OFFERED


@pytest.mark.parametrize("actor", [None, CLERK, a_person("kiosk")])
def test_only_a_fleet_manager_registers(bus, actor) -> None:
    assert refused(lambda: register(bus, actor)) == "rpc.forbidden"


def test_a_kiosk_that_breaks_a_rule_gets_no_client(bus) -> None:
    clients = set(CLIENTS)
    assert refused(lambda: register(bus, name="")) == "terminal_fleet.invalid_kiosk"
    assert refused(lambda: register(bus, public_jwk="{}")) == "terminal_fleet.invalid_kiosk"
    assert set(CLIENTS) == clients


def test_what_identity_refuses_is_told_and_no_kiosk_is_kept(bus) -> None:
    jwk = '{"kty": "OKP", "crv": "refuse me", "x": ""}'
    assert refused(lambda: register(bus, public_jwk=jwk, name="refused")) == "identity.bad_key"
    listed = bus.call("terminal_fleet.list_kiosks", pb.ListKiosksRequest(), pb.ListKiosksResponse, actor=FLEET)
    assert "refused" not in [each.name for each in listed.kiosks]


def test_a_foreign_host_is_asked_and_hears_of_health_only_when_it_changes(bus) -> None:
    bus.engines.purge()
    made = register(bus, host_district=HUANGPU)
    assert made.placement == pb.PLACEMENT_STATE_OFFERED
    ((headers, offer),) = bus.sent(pb.PlacementOffered)
    assert (headers["tongban.target"], headers["tongban.opens"]) == (HUANGPU, "kiosk")
    assert (offer.kiosk.id, offer.kiosk.client_id) == (made.id, "")
    arrives(bus, PlacementAnswered(made.id, True, ""), made.id)
    eventually(lambda: get(bus, made.id).placement == pb.PLACEMENT_STATE_CONFIRMED)
    for sequence in (1, 2, 3):
        answer = beat(bus, made.id, sequence)
        assert answer.next_due_s == 1
    assert get(bus, made.id).health == pb.HEALTH_ONLINE
    reports = bus.sent(pb.KioskHealthReported, 2, timeout_s=30)
    assert [report.health for _, report in reports] == [pb.HEALTH_ONLINE, pb.HEALTH_SILENT]
    assert get(bus, made.id).health == pb.HEALTH_SILENT


def test_a_kiosk_speaks_for_itself_alone(bus) -> None:
    one, other = register(bus), register(bus)
    assert refused(lambda: beat(bus, one.id, 1, other.client_id)) == "terminal_fleet.not_this_kiosk"
    assert refused(lambda: beat(bus, one.id, 1, roles=("fleet_manager",))) == "rpc.forbidden"
    assert refused(lambda: beat(bus, "nothing", 1)) == "terminal_fleet.kiosk_not_found"
    assert get(bus, one.id).health == pb.HEALTH_NEVER_SEEN


def test_a_kiosk_of_another_district_is_hosted_and_its_health_shown(bus) -> None:
    theirs = kiosk(1, owner=HUANGPU, host=GUSU, placement=Placement.OFFERED)
    bus.engines.purge()
    arrives(bus, PlacementOffered(theirs), theirs.id)
    ((headers, answer),) = bus.sent(pb.PlacementAnswered)
    assert (headers["tongban.target"], answer.confirmed) == (HUANGPU, True)
    arrives(bus, HealthReported(theirs.id, Health.ONLINE, NOW, 3), theirs.id)
    eventually(lambda: get(bus, theirs.id).health == pb.HEALTH_ONLINE)  # the answer above says that it is kept
    shown = get(bus, theirs.id)
    assert (shown.owner_district, shown.client_id) == (HUANGPU, "")
    assert refused(lambda: beat(bus, theirs.id, 1, theirs.client_id)) == "terminal_fleet.not_this_kiosk"


def test_a_district_has_no_say_in_anothers_kiosk_and_the_attempt_is_parked(bus) -> None:
    theirs = kiosk(2, owner=HUANGPU, host=GUSU)
    arrives(bus, PlacementOffered(theirs), theirs.id, district=SHANGCHENG)
    parked: list[dict] = []
    eventually(lambda: parked.extend(bus.parked("terminal_fleet")) or parked)
    assert parked[0]["tongban.reason"] == "terminal_fleet.not_the_owner"
    assert refused(lambda: get(bus, theirs.id)) == "terminal_fleet.kiosk_not_found"


def test_a_refused_offer_is_a_declined_placement(bus) -> None:
    bus.engines.purge()
    made = register(bus, host_district=SHANGCHENG)
    ((headers, _),) = bus.sent(pb.PlacementOffered)
    refusal = MessageRefused(
        message_id=headers["cloudEvents:id"], peer=SHANGCHENG, subject=f"kiosk/{made.id}", code="courier.not_agreed"
    )
    bus.tell(refusal, source="courier", subject=refusal.subject, to="terminal_fleet", version=0)
    eventually(lambda: get(bus, made.id).placement == pb.PLACEMENT_STATE_DECLINED)
    assert get(bus, made.id).placement_reason == "courier.not_agreed"
