"""Bodies too large for one envelope: they cross in chunks, whole or not at all, whatever stops on the way."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from courier import keys
from courier.adapters import jose
from courier.domain import envelope
from courier.domain.canonical import digest
from courier.domain.envelope import Bulk, Claims
from courier.domain.manifest import MAX_CHUNK
from courier.settings import CHUNK_CRASH_POINTS

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
from services.courier.tests.component.test_faults import quarantined, write_as
from services.courier.tests.districts import BODY_LIMIT, Pair, Side, eventually

pytestmark = pytest.mark.engines

MIB = 1024 * 1024
#: Of 3 MiB.
CHUNKS = 17


def a_text(octets: int) -> str:
    """Nothing in it repeats, so that swapped pieces would show."""
    return random.Random(octets).randbytes(octets // 2).hex()


def opened(pair: Pair) -> str:
    """A subject that is open between the two."""
    gusu, subject = pair[GUSU], a_subject()
    gusu.hand_over([offer(gusu, HUANGPU, subject)])
    eventually(lambda: settled(gusu, subject, 1))
    pair[HUANGPU].handed_on(OFFERED)
    return subject


def here(side: Side) -> int:
    return side.value("SELECT count(*) FROM piece WHERE jwe IS NOT NULL")


def nothing_left(side: Side) -> bool:
    return side.value("SELECT (SELECT count(*) FROM parcel) + (SELECT count(*) FROM piece)") == 0


def test_a_body_of_three_mebibytes_crosses_whole_in_chunks_and_in_its_turn(pair: Pair) -> None:
    gusu, huangpu = pair[GUSU], pair[HUANGPU]
    subject, text = opened(pair), a_text(3 * MIB)
    sent = gusu.sample("tongban_courier_chunks_sent_total", peer=HUANGPU)
    taken = huangpu.sample("tongban_courier_chunks_taken_total", peer=GUSU)
    gusu.hand_over([answer(gusu, HUANGPU, subject, text), answer(gusu, HUANGPU, subject, "after it")])
    eventually(lambda: settled(gusu, subject, 3))
    got: list[str] = []
    eventually(lambda: got.extend(texts(huangpu, ANSWERED)) or len(got) >= 2)
    assert got == [text, "after it"]
    assert gusu.sample("tongban_courier_chunks_sent_total", peer=HUANGPU) >= sent + CHUNKS
    assert huangpu.sample("tongban_courier_chunks_taken_total", peer=GUSU) == taken + CHUNKS
    sizes = [
        size
        for (size,) in gusu.rows("SELECT length(jwe) FROM chunk JOIN sent USING (id, peer) WHERE subject = %s", subject)
    ]
    assert len(sizes) == CHUNKS
    assert max(sizes) <= MAX_CHUNK
    assert nothing_left(huangpu)


def test_other_subjects_do_not_wait_for_chunks(pair: Pair) -> None:
    gusu, huangpu = pair[GUSU], pair[HUANGPU]
    large, small = opened(pair), opened(pair)
    huangpu.stop()
    gusu.hand_over([answer(gusu, HUANGPU, large, a_text(3 * MIB))])
    eventually(lambda: published(gusu, large))
    gusu.rows("UPDATE chunk SET jwe = 'x' || jwe FROM sent WHERE sent.id = chunk.id AND subject = %s", large)
    huangpu.start()
    gusu.hand_over([answer(gusu, HUANGPU, small, "at once")])
    eventually(lambda: settled(gusu, small, 2))
    assert eventually(lambda: texts(huangpu, ANSWERED)) == ["at once"]
    assert not settled(gusu, large, 2)
    gusu.rows("UPDATE chunk SET jwe = substr(jwe, 2) FROM sent WHERE sent.id = chunk.id AND subject = %s", large)
    eventually(lambda: settled(gusu, large, 2), 40)
    eventually(lambda: texts(huangpu, ANSWERED))


def test_a_taker_killed_midway_goes_on_and_asks_for_nothing_that_it_has(pair: Pair) -> None:
    gusu, huangpu = pair[GUSU], pair[HUANGPU]
    subject, text = opened(pair), a_text(3 * MIB)
    (point,) = CHUNK_CRASH_POINTS
    huangpu.stop()
    huangpu.start(TONGBAN_CRASH_AT=point)
    gusu.hand_over([answer(gusu, HUANGPU, subject, text)])
    eventually(lambda: huangpu.dead, what=f"nobody died at {point}")
    had = [name for (name,) in huangpu.rows("SELECT digest FROM piece WHERE jwe IS NOT NULL")]
    assert 0 < len(had) < CHUNKS
    gusu.rows("DELETE FROM chunk WHERE digest = ANY(%s)", had)  # whoever asks for them again will not get them
    huangpu.start()
    eventually(lambda: settled(gusu, subject, 2), 40)
    assert eventually(lambda: texts(huangpu, ANSWERED)) == [text]
    assert "a chunk that is not kept any more" not in gusu.log.read_text()
    assert nothing_left(huangpu)


def test_a_sender_killed_midway_goes_on(pair: Pair) -> None:
    gusu, huangpu = pair[GUSU], pair[HUANGPU]
    subject, text = opened(pair), a_text(4 * MIB - 64)
    huangpu.stop()
    gusu.hand_over([answer(gusu, HUANGPU, subject, text)])
    eventually(lambda: published(gusu, subject))
    huangpu.start()
    eventually(lambda: huangpu.rows("SELECT 1 FROM parcel"), what="it was not asked for")
    gusu.kill()
    gusu.start()
    eventually(lambda: settled(gusu, subject, 2), 40)
    assert eventually(lambda: texts(huangpu, ANSWERED)) == [text]


def chunk_of(pair: Pair, sealed: str, claimed: str) -> bytes:
    """A chunk signed by Gusu, under the digest `claimed`."""
    key = keys.read_district_keys(pair[GUSU].place.courier_keys)[0]
    claims = Claims(
        id=uuid4(), source=GUSU, target=HUANGPU, epoch=1, number=0, subject="link", subject_seq=0, type=Bulk.CHUNK, schema=1,
        time=datetime.now(UTC), agreement=0, head=envelope.Head(), body=claimed,
    )  # fmt: skip
    return envelope.join(jose.sign(envelope.encode(claims), key, key["kid"], "EdDSA"), sealed)


def test_an_altered_chunk_is_never_taken_for_the_one_that_was_named(pair: Pair) -> None:
    gusu, huangpu = pair[GUSU], pair[HUANGPU]
    subject, text = opened(pair), a_text(3 * MIB)
    huangpu.stop()
    gusu.hand_over([answer(gusu, HUANGPU, subject, text)])
    eventually(lambda: published(gusu, subject))
    ask = "SELECT chunk.digest, jwe FROM chunk JOIN sent USING (id, peer) WHERE subject = %s ORDER BY position LIMIT 1"
    ((name, jwe),) = gusu.rows(ask, subject)
    altered = jwe[:-1] + ("A" if jwe[-1] != "A" else "B")
    gusu.rows("UPDATE chunk SET jwe = %s WHERE digest = %s", altered, name)
    huangpu.start()
    eventually(lambda: here(huangpu) == CHUNKS - 1)
    before = quarantined(huangpu)
    write_as(gusu, huangpu, chunk_of(pair, altered, name))  # altered on its way
    eventually(lambda: quarantined(huangpu) == before + 1)
    assert huangpu.rows("SELECT code FROM quarantine ORDER BY at DESC LIMIT 1") == [("courier.body_differs",)]
    write_as(gusu, huangpu, chunk_of(pair, altered, digest(altered.encode())))  # signed so, and never asked for
    eventually(lambda: "chunks that are not wanted" in huangpu.log.read_text())
    assert here(huangpu) == CHUNKS - 1
    assert not settled(gusu, subject, 2)
    assert not huangpu.handed_on(ANSWERED)
    gusu.rows("UPDATE chunk SET jwe = %s WHERE digest = %s", jwe, name)
    eventually(lambda: settled(gusu, subject, 2), 40)
    assert eventually(lambda: texts(huangpu, ANSWERED)) == [text]


def test_a_body_above_the_takers_limit_is_refused_before_a_chunk_is_asked_for(pair: Pair) -> None:
    gusu, huangpu = pair[GUSU], pair[HUANGPU]
    subject, before = opened(pair), gusu.sample("tongban_courier_chunks_sent_total")
    huangpu.stop()
    huangpu.start(TONGBAN_COURIER_BODY_LIMIT=str(MIB))
    gusu.hand_over([answer(gusu, HUANGPU, subject, a_text(2 * MIB))])
    eventually(lambda: settled(gusu, subject, 2))
    assert gusu.rows(
        "SELECT state, code FROM sent WHERE subject = %s AND number > 0 ORDER BY number DESC LIMIT 1", subject
    ) == [("refused", "courier.too_large")]
    assert gusu.sample("tongban_courier_chunks_sent_total") == before
    assert nothing_left(huangpu)
    gusu.handed_on(REFUSED)


def test_what_a_peer_announces_is_bounded_and_what_goes_beyond_comes_later(pair: Pair) -> None:
    gusu, huangpu = pair[GUSU], pair[HUANGPU]
    subjects = [opened(pair) for _ in range(10)]
    huangpu.stop()
    gusu.hand_over([answer(gusu, HUANGPU, subject, a_text(BODY_LIMIT - 64)) for subject in subjects])
    eventually(lambda: all(published(gusu, subject) for subject in subjects), 60)
    gusu.rows("UPDATE chunk SET jwe = 'x' || jwe")
    huangpu.start()
    eventually(lambda: huangpu.value("SELECT count(*) FROM parcel") == 8)
    gusu.rows("UPDATE chunk SET jwe = substr(jwe, 2)")
    eventually(lambda: all(settled(gusu, subject, 2) for subject in subjects), 120)
    got: list[str] = []
    eventually(lambda: got.extend(texts(huangpu, ANSWERED)) or len(got) >= 10)
    assert nothing_left(huangpu)
