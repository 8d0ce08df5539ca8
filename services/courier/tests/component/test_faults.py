"""What may stop, die, lie or come back from the past, and what the courier makes of it."""

from __future__ import annotations

import base64
import json
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pika
import pytest
from courier import keys, messages, registry_file
from courier.adapters import jose
from courier.domain import envelope, receipts
from courier.domain.canonical import digest
from courier.domain.envelope import Claims, Lane
from courier.domain.registry import Registry, State
from courier.settings import CRASH_POINTS
from tongban.courier.v1.courier_pb2 import SealedBody
from tongban.hotline.v1 import hotline_pb2 as hotline
from tongban_local.account import own
from tongban_local.certificates import Authority
from tongban_local.links import read_links

from services.courier.tests.component.test_exchange import (
    ANSWERED,
    GUSU,
    HUANGPU,
    OFFERED,
    REFUSED,
    a_subject,
    answer,
    offer,
    published,
    settled,
    texts,
)
from services.courier.tests.districts import CANARY_S, Pair, Side, eventually, running_pair

pytestmark = pytest.mark.engines

AT_THE_TAKER = {"after_peer_commit_before_receipt"}


@pytest.mark.parametrize("point", sorted(CRASH_POINTS))
def test_a_courier_killed_at_any_point_loses_and_doubles_nothing(pair: Pair, point: str) -> None:
    gusu, huangpu, subject = pair[GUSU], pair[HUANGPU], a_subject()
    victim = huangpu if point in AT_THE_TAKER else gusu
    gusu.hand_over([offer(gusu, HUANGPU, subject)])
    eventually(lambda: settled(gusu, subject, 1))
    huangpu.handed_on(OFFERED)
    victim.stop()
    victim.start(TONGBAN_CRASH_AT=point)
    wanted = [f"{point} {n}" for n in range(20)]
    gusu.hand_over([answer(gusu, HUANGPU, subject, text) for text in wanted])
    eventually(lambda: victim.dead, what=f"nobody died at {point}")
    victim.start()
    eventually(lambda: settled(gusu, subject, 21), 30)
    got: list[str] = []
    eventually(lambda: got.extend(texts(huangpu, ANSWERED)) or len(got) >= 20)
    assert got == wanted
    assert not texts(huangpu, ANSWERED)


def test_a_courier_that_is_killed_leaves_no_files_behind(pair: Pair) -> None:
    folder, huangpu = Path(tempfile.gettempdir()), pair[HUANGPU]
    before = set(folder.iterdir())
    huangpu.kill()
    huangpu.start()
    eventually(lambda: the_link(huangpu, GUSU).get("connected"))
    huangpu.kill()
    assert {path.name for path in set(folder.iterdir()) - before if "courier" in path.name} == set()


def test_while_a_district_is_away_the_other_keeps_and_later_delivers_everything(pair: Pair) -> None:
    gusu, huangpu, subject = pair[GUSU], pair[HUANGPU], a_subject()
    huangpu.stop()
    broker = huangpu.place.district.broker
    broker.stop()
    gusu.hand_over([offer(gusu, HUANGPU, subject), *(answer(gusu, HUANGPU, subject, str(n)) for n in range(30))])
    eventually(lambda: gusu.value("SELECT count(*) FROM sent WHERE subject = %s", subject) == 31)
    broker.start()
    huangpu.place.district.wait_engines()
    huangpu.start()
    eventually(lambda: settled(gusu, subject, 31), 40)
    got: list[str] = []
    eventually(lambda: got.extend(texts(huangpu, ANSWERED)) or len(got) >= 30)
    assert got == [str(n) for n in range(30)]
    huangpu.handed_on(OFFERED)


def test_a_broker_that_loses_everything_is_sent_everything_again(pair: Pair) -> None:
    gusu, huangpu, subject = pair[GUSU], pair[HUANGPU], a_subject()
    huangpu.stop()
    gusu.hand_over([offer(gusu, HUANGPU, subject)])
    eventually(lambda: published(gusu, subject))
    broker = huangpu.place.district.broker
    broker.kill()
    broker.wipe()
    broker.start()
    huangpu.place.district.wait_engines()
    huangpu.start()
    eventually(lambda: settled(gusu, subject, 1), 40)
    assert len(eventually(lambda: huangpu.handed_on(OFFERED))) == 1


# Forged, altered, replayed --------------------------------------------------------------------------------------------------


def write_as(side: Side, peer: Side, wire: bytes) -> None:
    """Writes into the peer's broker as this district's courier would."""
    import ssl
    from urllib.parse import parse_qs, urlsplit

    options = parse_qs(urlsplit(side.environ["TONGBAN_COURIER_INBOX_URL"]).query)
    context = ssl.create_default_context(cafile=options["cacertfile"][0])
    context.load_cert_chain(
        side.environ["TONGBAN_COURIER_CERTIFICATE"], side.environ["TONGBAN_COURIER_CERTIFICATE_KEY"]
    )
    host, port = peer.place.courier_address.split(":")
    parameters = pika.ConnectionParameters(
        host, int(port), "courier", pika.credentials.ExternalCredentials(), ssl_options=pika.SSLOptions(context, host)
    )
    connection = pika.BlockingConnection(parameters)
    channel = connection.channel()
    channel.confirm_delivery()
    channel.basic_publish("courier.in", "", wire, pika.BasicProperties(delivery_mode=2, user_id=f"courier.{side.code}"))
    connection.close()


def forge(pair: Pair, signer: str, source: str, sealed_for: str, **changes) -> bytes:
    """An envelope with the key of `signer` that says it comes from `source`."""
    registry = _newest(pair)
    key = keys.read_district_keys(pair[signer].place.courier_keys)[0]
    seal_key = registry.members[sealed_for].current("enc", datetime.now(UTC))
    assert seal_key is not None
    message = changes.pop("message", hotline.TicketAnswered(answer="forged").SerializeToString())
    content = SealedBody(opens=changes.pop("opens", ""), message=message)
    sealed = jose.seal(content.SerializeToString(), seal_key.public, seal_key.kid)
    claims = Claims(
        id=uuid4(), source=source, target=sealed_for, epoch=1, number=999_999, subject=a_subject(), subject_seq=1,
        type="tongban.hotline.v1.TicketAnswered", schema=1, time=datetime.now(UTC), agreement=0,
        head=envelope.Head(), body=digest(sealed.encode()),
    )  # fmt: skip
    kid = changes.pop("kid", key["kid"])
    return envelope.join(jose.sign(envelope.encode(replace(claims, **changes)), key, kid, "EdDSA"), sealed)


def forget(side: Side, number: int) -> None:
    """As if what was forged under that number had never come: no gap before it is asked about."""
    side.rows("DELETE FROM received WHERE number = %s", number)
    side.rows("UPDATE arrival SET highest = contiguous, claimed = contiguous, gap_since = NULL")


def quarantined(side: Side) -> int:
    return side.value("SELECT count(*) FROM quarantine")


@pytest.mark.parametrize(
    "wire",
    [
        b"",
        b"\x00" * 100,
        b"a.b.c\nd.e.f.g.h",
        b"[" * 10_000,
        b"x" * (1024 * 1024 + 1),
        b"e30.e30.\n",
        "签".encode() * 100,
    ],
    ids=["empty", "zeros", "dots", "brackets", "oversize", "unsigned", "not_ascii"],
)
def test_hostile_bytes_go_into_quarantine_and_are_not_answered(pair: Pair, wire: bytes) -> None:
    huangpu = pair[HUANGPU]
    before, answers = quarantined(huangpu), huangpu.value("SELECT count(*) FROM receipt")
    counted = huangpu.sample("tongban_courier_quarantined_total")
    write_as(pair[GUSU], huangpu, wire)
    eventually(lambda: quarantined(huangpu) == before + 1)
    eventually(lambda: huangpu.sample("tongban_courier_quarantined_total") == counted + 1)
    assert huangpu.value("SELECT count(*) FROM receipt") == answers
    assert huangpu.rows("SELECT written_by FROM quarantine ORDER BY at DESC LIMIT 1") == [(f"courier.{GUSU}",)]


def test_a_message_signed_by_the_wrong_district_is_not_believed(pair: Pair) -> None:
    huangpu = pair[HUANGPU]
    before = quarantined(huangpu)
    gusu_kid = keys.read_district_keys(pair[GUSU].place.courier_keys)[0]["kid"]
    write_as(pair[GUSU], huangpu, forge(pair, HUANGPU, GUSU, HUANGPU))  # a key that is not Gusu's
    write_as(pair[GUSU], huangpu, forge(pair, HUANGPU, GUSU, HUANGPU, kid=gusu_kid))  # and one that claims to be
    write_as(pair[GUSU], huangpu, forge(pair, GUSU, GUSU, HUANGPU, target="340103"))  # and one meant for another
    eventually(lambda: quarantined(huangpu) == before + 3)
    codes = {code for (code,) in huangpu.rows("SELECT code FROM quarantine ORDER BY at DESC LIMIT 3")}
    assert codes == {"courier.unknown_key", "courier.bad_signature", "courier.wrong_target"}


def test_an_authentic_message_of_an_unknown_type_is_refused_with_a_signed_reason(pair: Pair) -> None:
    huangpu, before = pair[HUANGPU], pair[HUANGPU].value("SELECT count(*) FROM receipt")
    write_as(pair[GUSU], huangpu, forge(pair, GUSU, GUSU, HUANGPU, type="tongban.hotline.v1.Ticket", number=888_888))
    eventually(lambda: huangpu.value("SELECT count(*) FROM receipt") == before + 1)
    assert huangpu.rows("SELECT verdict, code FROM received WHERE number = 888888") == [
        ("refused", "courier.unknown_type")
    ]
    forget(huangpu, 888_888)


def test_another_message_in_a_taken_place_of_its_subject_is_refused_and_has_no_effect(pair: Pair) -> None:
    gusu, huangpu, subject = pair[GUSU], pair[HUANGPU], a_subject()
    gusu.hand_over([offer(gusu, HUANGPU, subject)])
    eventually(lambda: settled(gusu, subject, 1))
    huangpu.handed_on(OFFERED)
    epoch = gusu.value("SELECT epoch FROM sent WHERE subject = %s", subject)
    write_as(gusu, huangpu, forge(pair, GUSU, GUSU, HUANGPU, epoch=epoch, number=666_666, subject=subject))
    eventually(lambda: huangpu.rows("SELECT 1 FROM received WHERE number = 666666"))
    assert huangpu.rows("SELECT verdict, code FROM received WHERE number = 666666") == [
        ("refused", "courier.place_taken")
    ]
    assert not texts(huangpu, ANSWERED)
    forget(huangpu, 666_666)


def test_the_id_of_a_message_that_another_district_sent_is_refused(pair: Pair) -> None:
    gusu, huangpu, id = pair[GUSU], pair[HUANGPU], uuid4()
    huangpu.rows(
        """INSERT INTO received (source, lane, epoch, number, id, signed, verdict, code, at)
           VALUES ('340103', 'main', 1, 1, %s, 'what it signed', 'accepted', '', now())""",
        str(id),
    )
    write_as(gusu, huangpu, forge(pair, GUSU, GUSU, HUANGPU, number=555_555, id=id))
    refused = "SELECT verdict, code FROM received WHERE number = 555555"
    eventually(lambda: huangpu.rows(refused) == [("refused", "courier.id_of_another_district")])
    assert not texts(huangpu, ANSWERED)
    forget(huangpu, 555_555)
    huangpu.rows("DELETE FROM received WHERE id = %s", str(id))


def test_a_receipt_for_what_another_district_sent_settles_nothing(pair: Pair) -> None:
    """Gusu shows Huangpu a receipt that Gusu signed for Luyang, though it is as real as a receipt can be."""
    gusu, huangpu, subject, now = pair[GUSU], pair[HUANGPU], a_subject(), datetime.now(UTC)
    gusu.stop()
    huangpu.hand_over([offer(huangpu, GUSU, subject)])
    eventually(lambda: published(huangpu, subject))
    ((epoch, number, id, jws),) = huangpu.rows(
        "SELECT s.epoch, s.number, s.id::text, l.jws FROM sent s JOIN log l USING (subject) WHERE subject = %s", subject
    )
    item = receipts.Item(Lane.MAIN, epoch, number, UUID(id), digest(jws.encode()), receipts.Verdict.ACCEPTED, "")
    key = keys.read_district_keys(gusu.place.courier_keys)[0]

    def shown(target: str) -> bytes:
        receipt = receipts.Receipt(GUSU, target, now, envelope.Head(), [item])
        signed = messages.receipt(jose.sign(receipts.encode(receipt), key, key["kid"], "EdDSA"))
        link = {"type": envelope.Control.RECEIPT, "number": 0, "subject": "link", "subject_seq": 0}
        return forge(pair, GUSU, GUSU, HUANGPU, message=signed, **link)

    write_as(gusu, huangpu, shown("340103"))
    eventually(lambda: "receipt_of_others" in huangpu.log.read_text())
    assert not settled(huangpu, subject, 1)
    gusu.start()
    eventually(lambda: settled(huangpu, subject, 1))
    gusu.handed_on(OFFERED)


def test_another_message_under_a_taken_number_is_a_conflict_and_has_no_effect(pair: Pair) -> None:
    gusu, huangpu, subject = pair[GUSU], pair[HUANGPU], a_subject()
    gusu.hand_over([offer(gusu, HUANGPU, subject)])
    eventually(lambda: settled(gusu, subject, 1))
    huangpu.handed_on(OFFERED)
    epoch, number = gusu.rows("SELECT epoch, number FROM sent WHERE subject = %s", subject)[0]
    write_as(gusu, huangpu, forge(pair, GUSU, GUSU, HUANGPU, epoch=epoch, number=number))
    eventually(lambda: huangpu.rows("SELECT 1 FROM quarantine WHERE code = 'courier.number_conflict'"))
    assert huangpu.value("SELECT last_conflict IS NOT NULL FROM link WHERE peer = %s", GUSU)
    assert not texts(huangpu, ANSWERED)
    assert gusu.value("SELECT head_epoch FROM state") == epoch  # its own books are right: no new epoch


# Trust ------------------------------------------------------------------------------------------------------------------------


@contextmanager
def looks_again(side: Side) -> Iterator[None]:
    """What is done inside changes what the side's courier trusts; afterwards it goes by that."""
    before = side.log.read_text().count("trusts registry")
    yield
    eventually(lambda: side.log.read_text().count("trusts registry") > before)


def _newest(pair: Pair) -> Registry:
    return registry_file.read_registry(pair.trust.registry.read_text(), json.loads(pair.trust.root_public.read_text()))


def resigned(pair: Pair, change) -> str:
    """The next registry version, changed and signed by the root."""
    root = keys.read_root(pair.trust.folder / "root.jwk")
    made = change(registry_file.succeed(_newest(pair), [], now=datetime.now(UTC).replace(microsecond=0)))
    text = registry_file.sign_registry(made, root)
    pair.trust.registry.write_text(text)
    return text


def test_the_registry_that_shows_a_new_key_comes_from_its_owner_to_whoever_does_not_know_that_key_yet(
    pair: Pair,
) -> None:
    gusu, huangpu, subject = pair[GUSU], pair[HUANGPU], a_subject()
    added = keys.add_district_key(gusu.place.courier_keys, keys.SIGNING, datetime.now(UTC).replace(microsecond=0))
    own(gusu.place.courier_keys)
    gusu.stop()
    gusu.start()

    authority = Authority(gusu.place.folder / "next-authority", "the next one").certificate.read_text()
    issued_by = keys.tls_key(authority, datetime.now(UTC).replace(microsecond=0) - keys.MARGIN)

    def shown(made: Registry) -> Registry:
        member = made.members[GUSU]
        return replace(made, members={**made.members, GUSU: replace(member, keys=(*member.keys, added, issued_by))})

    newest = gusu.command("install-registry", given=resigned(pair, shown))["version"]
    eventually(lambda: f"trusts registry {newest}" in gusu.log.read_text())
    gusu.hand_over([offer(gusu, HUANGPU, subject)])
    eventually(lambda: huangpu.value("SELECT max(version) FROM registry") == newest, what="it did not come by courier")
    eventually(lambda: settled(gusu, subject, 1), what="what was signed with the new key did not come after it")
    # Its broker is verified with the next authority too, without a restart.
    trusted = f"the way to {GUSU} is made anew"
    eventually(lambda: trusted in huangpu.log.read_text(), what="the new authority was not taken over")
    signed = gusu.value("SELECT jws FROM log WHERE subject = %s ORDER BY seq LIMIT 1", subject)
    assert json.loads(base64.urlsafe_b64decode(signed.split(".")[0] + "=="))["kid"] == added.kid
    huangpu.handed_on(OFFERED)


def test_a_district_tells_of_the_registry_itself_where_no_word_of_its_peer_comes_through(pair: Pair) -> None:
    """Its broker has moved, or shows another authority's certificate: nobody who lacks the registry can reach it to ask."""
    gusu, huangpu, subject = pair[GUSU], pair[HUANGPU], a_subject()
    address = _newest(pair).members[GUSU].broker

    def at(broker: str):
        return lambda made: replace(made, members={**made.members, GUSU: replace(made.members[GUSU], broker=broker)})

    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        elsewhere = f"127.0.0.1:{nobody.getsockname()[1]}"
        with looks_again(huangpu):
            huangpu.command("install-registry", given=resigned(pair, at(elsewhere)))
        way = f"the way to {GUSU} is made anew"
        eventually(lambda: way in huangpu.log.read_text())
        gusu.stop()
        gusu.start()  # of what the peer has it knows nothing either
        newest = gusu.command("install-registry", given=resigned(pair, at(address)))["version"]
        eventually(lambda: huangpu.value("SELECT max(version) FROM registry") == newest, what="nobody told it")
    gusu.hand_over([offer(gusu, HUANGPU, subject)])
    eventually(lambda: settled(gusu, subject, 1))
    huangpu.handed_on(OFFERED)


def test_a_registry_crosses_at_once_and_does_not_wait_for_a_canary(pair: Pair) -> None:
    gusu, huangpu = pair[GUSU], pair[HUANGPU]
    gusu.stop()
    huangpu.stop()
    stopped = datetime.now(UTC)
    huangpu.start(TONGBAN_COURIER_CANARY_S="600")
    gusu.start(TONGBAN_COURIER_CANARY_S="600")
    last_canary = "SELECT last_echo > %s FROM link WHERE peer = %s"
    eventually(lambda: gusu.value(last_canary, stopped, HUANGPU))
    newest = gusu.command("install-registry", given=resigned(pair, lambda made: made))["version"]
    eventually(lambda: huangpu.value("SELECT max(version) FROM registry") == newest, what="it waits for a canary")
    assert huangpu.command("show-registry")["version"] == newest


def test_a_registry_reaches_the_other_district_by_courier_and_a_suspended_member_is_refused(pair: Pair) -> None:
    gusu, huangpu, subject = pair[GUSU], pair[HUANGPU], a_subject()
    gusu.hand_over([offer(gusu, HUANGPU, subject)])
    eventually(lambda: settled(gusu, subject, 1))

    def with_gusu(state: State):
        return lambda made: replace(made, members={**made.members, GUSU: replace(made.members[GUSU], state=state)})

    told = huangpu.command("install-registry", given=resigned(pair, with_gusu(State.SUSPENDED)))
    assert told["installed"]
    assert GUSU in told["in_flight"]
    follows = "SELECT open FROM link WHERE peer = '320508'"
    eventually(lambda: huangpu.value(follows) is False)
    eventually(lambda: f"trusts registry {told['version']}" in huangpu.log.read_text())
    write_as(gusu, huangpu, forge(pair, GUSU, GUSU, HUANGPU, number=777_777))
    eventually(
        lambda: huangpu.rows("SELECT 1 FROM received WHERE number = 777777 AND code = 'courier.member_suspended'")
    )
    lower = registry_file.sign_registry(
        replace(_newest(pair), version=1),
        keys.read_root(pair.trust.folder / "root.jwk"),
    )
    assert huangpu.command("install-registry", given=lower)["error"] == "courier.registry_version_lower"
    forget(huangpu, 777_777)
    huangpu.command("install-registry", given=resigned(pair, with_gusu(State.ACTIVE)))
    eventually(lambda: huangpu.value(follows) is True)
    newest = huangpu.value("SELECT max(version) FROM registry")
    eventually(lambda: gusu.value("SELECT max(version) FROM registry") == newest, what="it did not come by courier")
    gusu.hand_over([answer(gusu, HUANGPU, subject, "back again")])
    eventually(lambda: settled(gusu, subject, 2))
    assert eventually(lambda: texts(huangpu, ANSWERED)) == ["back again"]
    huangpu.handed_on(OFFERED)
    gusu.handed_on(REFUSED)


def test_an_agreement_that_ended_stops_what_is_new_and_not_what_is_open(pair: Pair) -> None:
    gusu, huangpu = pair[GUSU], pair[HUANGPU]
    open_before, new = a_subject(), a_subject()
    gusu.hand_over([offer(gusu, HUANGPU, open_before)])
    eventually(lambda: settled(gusu, open_before, 1))
    now = datetime.now(UTC).replace(microsecond=0)
    made = registry_file.agreement(GUSU, HUANGPU, version=2, opens={}, valid_from=now - timedelta(days=1))
    text = ""
    for side in (gusu, huangpu):
        text = registry_file.sign_agreement(made, keys.read_district_keys(side.place.courier_keys)[0], text)
    for side in (gusu, huangpu):
        with looks_again(side):
            assert side.command("install-agreement", given=text)["installed"]
    refused = gusu.sample("tongban_courier_unsent_total", code="courier.not_agreed")
    gusu.hand_over([offer(gusu, HUANGPU, new), answer(gusu, HUANGPU, open_before, "still open")])
    eventually(lambda: settled(gusu, open_before, 2))
    assert eventually(lambda: texts(huangpu, ANSWERED)) == ["still open"]
    assert gusu.rows("SELECT state, code FROM sent WHERE subject = %s", new) == [("refused", "courier.not_agreed")]
    assert gusu.sample("tongban_courier_unsent_total", code="courier.not_agreed") == refused + 1
    gusu.handed_on(REFUSED)
    huangpu.handed_on(OFFERED)
    for side in (gusu, huangpu):
        with looks_again(side):
            side.rows("DELETE FROM agreement WHERE version = 2")


# A database from the past -----------------------------------------------------------------------------------------------------


def test_a_sender_restored_from_a_backup_is_found_out_begins_a_new_epoch_and_loses_nothing() -> None:
    with running_pair() as pair:
        pair.start()
        gusu, huangpu, subject = pair[GUSU], pair[HUANGPU], a_subject()
        gusu.hand_over([offer(gusu, HUANGPU, subject), answer(gusu, HUANGPU, subject, "before")])
        eventually(lambda: settled(gusu, subject, 2))
        assert eventually(lambda: texts(huangpu, ANSWERED)) == ["before"]
        gusu.stop()
        gusu.backup()
        gusu.start()
        gusu.hand_over([answer(gusu, HUANGPU, subject, "lost from the backup's view")])
        eventually(lambda: settled(gusu, subject, 3))
        gusu.stop()
        gusu.restore()
        gusu.start()
        eventually(lambda: gusu.value("SELECT head_epoch FROM state") == 2, what="nobody noticed")
        gusu.hand_over([answer(gusu, HUANGPU, subject, "after", seq=4)])
        eventually(lambda: settled(gusu, subject, 3))
        got: list[str] = []
        eventually(lambda: got.extend(texts(huangpu, ANSWERED)) or len(got) >= 2)
        assert got == ["lost from the backup's view", "after"]
        assert gusu.rows(
            "SELECT epoch, number FROM sent WHERE state = 'receipted' ORDER BY 1 DESC, 2 DESC LIMIT 1"
        ) == [(2, 1)]


def test_a_taker_restored_from_a_backup_asks_for_what_it_lost() -> None:
    with running_pair() as pair:
        pair.start()
        gusu, huangpu, subject = pair[GUSU], pair[HUANGPU], a_subject()
        gusu.hand_over([offer(gusu, HUANGPU, subject)])
        eventually(lambda: settled(gusu, subject, 1))
        huangpu.stop()
        huangpu.backup()
        huangpu.start()
        gusu.hand_over([answer(gusu, HUANGPU, subject, "one"), answer(gusu, HUANGPU, subject, "two")])
        eventually(lambda: settled(gusu, subject, 3))
        assert eventually(lambda: texts(huangpu, ANSWERED)) == ["one", "two"]
        huangpu.stop()
        huangpu.restore()
        huangpu.forget_inboxes()  # the services' databases are as old as the courier's
        huangpu.start()
        got: list[str] = []
        eventually(lambda: got.extend(texts(huangpu, ANSWERED)) or len(got) >= 2, 30, "it did not ask")
        assert got == ["one", "two"]


# A peer that is dead -----------------------------------------------------------------------------------------------------------


class BlackHole:
    """Accepts connections, and then nothing ever comes back."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self._kept: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                self._kept.append(self._socket.accept()[0])

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        for kept in [self._socket, *self._kept]:
            kept.close()


def test_a_peer_that_swallows_everything_delays_no_other(pair: Pair) -> None:
    gusu, huangpu, subject, lost = pair[GUSU], pair[HUANGPU], a_subject(), a_subject()
    hole = BlackHole()
    gulou = registry_file.member(
        "320106", name_zh="鼓楼区", name_en="Gulou", broker=hole.address, issuer="https://127.0.0.1",
        keys=[
            *keys.make_district_keys(pair.folder / "gulou.jwks", datetime.now(UTC)),
            keys.tls_key(gusu.place.authority.read_text(), datetime.now(UTC)),
        ],
    )  # fmt: skip
    text = resigned(pair, lambda made: replace(made, members={**made.members, gulou.code: gulou}))
    gusu.command("install-registry", given=text)
    eventually(lambda: gusu.rows("SELECT 1 FROM link WHERE peer = '320106'"))
    gusu.hand_over([answer(gusu, gulou.code, lost, str(n)) for n in range(50)])
    eventually(lambda: gusu.value("SELECT count(*) FROM sent WHERE subject = %s", lost) == 50)
    began = datetime.now(UTC)
    gusu.hand_over([answer(gusu, HUANGPU, subject, str(n)) for n in range(50)])
    eventually(lambda: settled(gusu, subject, 50))
    assert datetime.now(UTC) - began < timedelta(seconds=5)
    assert gusu.value("SELECT count(*) FROM sent WHERE subject = %s AND settled_at IS NULL", lost) == 50
    hole.close()
    got: list[str] = []
    eventually(lambda: got.extend(texts(huangpu, ANSWERED)) or len(got) >= 50)


def test_a_registry_long_expired_closes_the_link_and_nothing_is_lost(pair: Pair) -> None:
    gusu, huangpu, subject = pair[GUSU], pair[HUANGPU], a_subject()
    gusu.hand_over([offer(gusu, HUANGPU, subject)])
    eventually(lambda: settled(gusu, subject, 1))
    over = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=25)
    expired = resigned(pair, lambda made: replace(made, issued_at=over - timedelta(days=1), expires_at=over))
    version = huangpu.command("install-registry", given=expired)["version"]
    eventually(lambda: f"trusts registry {version}" in huangpu.log.read_text())
    gusu.hand_over([answer(gusu, HUANGPU, subject, "kept")])
    eventually(lambda: published(gusu, subject))  # Gusu's registry still counts; Huangpu lets it go unanswered
    assert not settled(gusu, subject, 2)
    assert huangpu.rows("SELECT 1 FROM received r JOIN log USING (id) WHERE subject = %s", subject) == [(1,)]
    huangpu.command("install-registry", given=resigned(pair, lambda made: made))
    eventually(lambda: settled(gusu, subject, 2), 40)
    assert eventually(lambda: texts(huangpu, ANSWERED)) == ["kept"]
    huangpu.handed_on(OFFERED)


# What operators see of a peer that is away ----------------------------------------------------------------------------------------


def the_link(side: Side, peer: str = HUANGPU) -> dict:
    """How the side's operators see the peer."""
    return next((link for link in read_links(side.place) or [] if link["peer"] == peer), {})


def test_a_link_is_not_up_within_two_canaries_of_its_peers_courier_stopping(pair: Pair) -> None:
    gusu, huangpu = pair[GUSU], pair[HUANGPU]
    eventually(lambda: the_link(gusu).get("state") == "LINK_STATE_UP")
    huangpu.stop()
    stopped = datetime.now(UTC)
    eventually(lambda: the_link(gusu)["state"] == "LINK_STATE_DOWN")
    assert datetime.now(UTC) - stopped < timedelta(seconds=2 * CANARY_S + 1)
    assert the_link(gusu)["connected"]  # to the peer's broker: it says nothing of health
    huangpu.start()
    eventually(lambda: the_link(gusu)["state"] == "LINK_STATE_UP")


def test_a_link_without_a_connection_says_since_when_and_is_not_up(pair: Pair) -> None:
    gusu, huangpu = pair[GUSU], pair[HUANGPU]
    eventually(lambda: the_link(gusu).get("connected"))
    huangpu.stop()
    broker = huangpu.place.district.broker
    before = datetime.now(UTC)
    broker.stop()
    link = eventually(lambda: (found := the_link(gusu))["state"] == "LINK_STATE_DOWN" and found)
    assert not link.get("connected")
    assert before <= datetime.fromisoformat(link["noConnectionSince"]) <= datetime.now(UTC)
    broker.start()
    huangpu.place.district.wait_engines()
    huangpu.start()
    link = eventually(lambda: (found := the_link(gusu))["state"] == "LINK_STATE_UP" and found, 40)
    assert link["connected"]
    assert "noConnectionSince" not in link
