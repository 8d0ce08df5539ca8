"""What an application must bring, and what a message can carry."""

from __future__ import annotations

from hashlib import sha256

import pytest
from case_routing.domain.errors import BadMaterial, DigestMismatch, MaterialTooLarge, MissingMaterial, UnknownMaterial
from case_routing.domain.materials import MATERIAL_LIMIT, MATERIALS_LIMIT, check_materials
from case_routing.domain.model import Guide

from ..factories import HANDLING, a_guide, an_item, an_upload


def test_a_complete_application_is_taken_with_sizes_and_digests():
    (card,) = check_materials(a_guide(), [an_upload(content=b"scan")])
    assert (card.size, card.sha256, card.content) == (4, sha256(b"scan").hexdigest(), b"scan")
    assert card.intact


def test_every_missing_material_is_named_at_once():
    guide = Guide(an_item(), HANDLING, frozenset({"a", "b", "c"}))
    with pytest.raises(MissingMaterial) as refused:
        check_materials(guide, [an_upload("b")])
    assert refused.value.details == {"keys": "a, c"}


def test_a_material_that_the_item_does_not_ask_for_is_named():
    with pytest.raises(UnknownMaterial) as refused:
        check_materials(a_guide(), [an_upload(), an_upload("love_letter")])
    assert refused.value.details == {"keys": "love_letter"}


def test_a_material_has_a_limit_to_the_octet():
    check_materials(a_guide(), [an_upload(content=b"x" * MATERIAL_LIMIT)])
    with pytest.raises(MaterialTooLarge) as refused:
        check_materials(a_guide(), [an_upload(content=b"x" * (MATERIAL_LIMIT + 1))])
    assert refused.value.details == {"key": "identity_card", "limit": str(2 * 1024 * 1024)}


def test_all_materials_together_fit_into_one_message():
    guide = Guide(an_item(), HANDLING, frozenset({"a", "b"}))
    full = an_upload("a", b"x" * MATERIAL_LIMIT)
    check_materials(guide, [full, an_upload("b", b"x" * (MATERIALS_LIMIT - MATERIAL_LIMIT))])
    with pytest.raises(MaterialTooLarge):
        check_materials(guide, [full, an_upload("b", b"x" * (MATERIALS_LIMIT - MATERIAL_LIMIT + 1))])


def test_a_digest_that_was_sent_along_must_fit_in_either_case():
    check_materials(a_guide(), [an_upload(content=b"scan", sha256=sha256(b"scan").hexdigest().upper())])
    with pytest.raises(DigestMismatch):
        check_materials(a_guide(), [an_upload(content=b"scan", sha256=sha256(b"other").hexdigest())])


@pytest.mark.parametrize(
    "upload",
    [
        an_upload(content=b""),
        an_upload(name=" "),
        an_upload(name="a\x00b"),
        an_upload(name="x" * 201),
        an_upload(media_type="pdf"),
        an_upload(media_type="text/html; charset=utf-8"),
    ],
)
def test_a_material_that_makes_no_sense_is_refused_by_its_key(upload):
    with pytest.raises(BadMaterial) as refused:
        check_materials(a_guide(), [upload])
    assert refused.value.details == {"key": "identity_card"}


def test_one_key_twice_is_refused():
    with pytest.raises(BadMaterial):
        check_materials(a_guide(), [an_upload(), an_upload()])
