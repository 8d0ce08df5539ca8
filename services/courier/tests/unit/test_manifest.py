"""Bodies too large for one envelope: cut, named by digest, put together again only where every octet is right."""

from __future__ import annotations

from dataclasses import replace

import pytest
from courier.domain.canonical import digest
from courier.domain.envelope import MAX_BODY
from courier.domain.errors import Malformed, Rejected
from courier.domain.manifest import MAX_CHUNK, PIECE, Manifest, Named, check, cut, join, manifest_of
from courier.usecases.ports import Outbound
from courier.usecases.send_messages import enclose, prepare
from hypothesis import given
from hypothesis import strategies as st

from services.courier.tests.factories import GUSU, HUANGPU, NOW, OFFER, an_id, seals_of, trust_of

LIMIT = 4 * 1024 * 1024


def a_manifest(body: bytes, count: int = 2) -> Manifest:
    return manifest_of(body, [f"sealed {n}" for n in range(count)])


@given(st.binary(max_size=50), st.integers(1, 7))
def test_what_was_cut_is_the_same_when_joined(body: bytes, piece: int) -> None:
    pieces = cut(body, piece)
    assert all(0 < len(one) <= piece for one in pieces)
    assert join(manifest_of(body, [str(n) for n in range(len(pieces))]), pieces) == body


@pytest.mark.parametrize(
    "pieces", [[b"one", b"twO"], [b"two", b"one"], [b"one"], [b"one", b"two", b""], [b"one", b"two", b"three"]]
)
def test_pieces_that_are_altered_swapped_missing_or_too_many_are_no_body(pieces: list[bytes]) -> None:
    with pytest.raises(Malformed, match="pieces_differ"):
        join(a_manifest(b"onetwo"), pieces)


def test_a_manifest_names_chunks_by_the_digest_of_what_travels() -> None:
    made = manifest_of(b"body", ["sealed"])
    assert made.chunks == (Named(digest(b"sealed"), 6),)
    assert (made.size, made.digest) == (4, digest(b"body"))


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({}, None),
        ({"size": LIMIT + 1}, Rejected),
        ({"size": 0}, Malformed),
        ({"digest": "x"}, Malformed),
        ({"chunks": ()}, Malformed),
        ({"chunks": (Named("0" * 64, 1), Named("0" * 64, 1))}, Malformed),
        ({"chunks": (Named("0" * 64, MAX_CHUNK + 1),)}, Malformed),
        ({"chunks": (Named("0" * 64, 0),)}, Malformed),
        ({"chunks": (Named("nonsense", 1),)}, Malformed),
        ({"chunks": tuple(Named(f"{n:064x}", 1) for n in range(1000))}, Malformed),
    ],
)
def test_a_manifest_that_no_sender_makes_is_refused(changes, error) -> None:
    made = replace(a_manifest(b"onetwo"), **changes)
    if error is None:
        check(made, LIMIT)
    else:
        with pytest.raises(error):
            check(made, LIMIT)


# With real keys -----------------------------------------------------------------------------------------------------------


def a_message(size: int) -> Outbound:
    return Outbound(an_id(), "case_routing", OFFER, HUANGPU, "case/1", 1, bytes(range(256)) * (size // 256), "item")


def test_a_chunk_of_a_full_piece_is_no_larger_than_agreed_and_only_its_target_opens_it() -> None:
    _, (chunk,) = enclose(replace(a_message(0), body=b"x" * PIECE), HUANGPU, seals_of(GUSU), NOW, most=0)
    assert MAX_CHUNK - 8 * 1024 < len(chunk) <= MAX_CHUNK
    assert seals_of(HUANGPU).unseal_piece(chunk) == b"x" * PIECE
    with pytest.raises(Malformed):
        seals_of(GUSU).unseal_piece(chunk)


def test_a_body_that_fits_travels_in_its_envelope_and_a_larger_one_beside_it() -> None:
    small, large = a_message(MAX_BODY), a_message(MAX_BODY + 256)
    sealed, chunks = enclose(small, HUANGPU, seals_of(GUSU), NOW)
    assert (chunks, seals_of(HUANGPU).unseal(sealed).message) == ((), small.body)
    sealed, chunks = enclose(large, HUANGPU, seals_of(GUSU), NOW)
    opened = seals_of(HUANGPU).unseal(sealed)
    assert (opened.message, opened.opens) == (b"", "item")
    assert len(sealed) < 4096
    assert opened.manifest is not None
    check(opened.manifest, LIMIT)
    assert join(opened.manifest, [seals_of(HUANGPU).unseal_piece(chunk) for chunk in chunks]) == large.body


def test_a_body_above_the_limit_is_refused_with_a_reason() -> None:
    prepared = prepare(a_message(LIMIT + 256), trust_of(GUSU), seals_of(GUSU), NOW, LIMIT)
    assert prepared.refusal is not None
    assert prepared.refusal.code == "courier.too_large"
    assert prepare(a_message(LIMIT), trust_of(GUSU), seals_of(GUSU), NOW, LIMIT).refusal is None


def test_what_waits_here_sealed_to_ourselves_comes_back_whole_whatever_its_size() -> None:
    for size in (0, 256, 3 * 1024 * 1024):
        message = a_message(size)
        kept = seals_of(GUSU).seal_to_self(message)
        assert seals_of(GUSU).unseal_own(kept) == message
