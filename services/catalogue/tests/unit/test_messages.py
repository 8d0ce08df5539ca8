"""The contract and the domain say the same."""

from __future__ import annotations

import pytest
from catalogue import messages
from catalogue.domain.errors import InvalidItem
from catalogue.domain.events import ItemPublished
from catalogue.domain.model import Audience, Mode, Provenance

from ..factories import content, item, terms


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("audience", Audience)
def test_an_item_survives_the_way_there_and_back(audience, mode) -> None:
    for provenance in Provenance:
        one = item(audience=audience, terms=terms(mode=mode, provenance=provenance), provenance=provenance, version=7)
        assert messages.item_of(messages.item_to_wire(one)) == one


def test_an_event_carries_the_whole_item() -> None:
    one = item()
    assert messages.item_of(messages.event_to_wire(ItemPublished(one)).item) == one


def test_a_provenance_that_is_not_given_is_the_owners_word() -> None:
    wire = messages.item_to_wire(item())
    wire.ClearField("provenance")
    wire.ClearField("terms_provenance")
    parsed = messages.content_of(wire)
    assert (parsed.provenance, parsed.terms.provenance) == (Provenance.OWNER, Provenance.OWNER)


@pytest.mark.parametrize(("field", "value"), [("audience", 0), ("audience", 99), ("mode", 0), ("provenance", 99)])
def test_an_unknown_word_of_an_enum_is_refused_by_the_fields_name(field, value) -> None:
    wire = messages.item_to_wire(item())
    setattr(wire, field, value)
    with pytest.raises(InvalidItem, match=f"{field} must be one of"):
        messages.content_of(wire)


def test_a_peers_item_without_a_version_is_refused() -> None:
    wire = messages.item_to_wire(item(version=1))
    wire.version = 0
    with pytest.raises(InvalidItem, match="version"):
        messages.item_of(wire)


def test_the_factories_content_is_what_a_publisher_may_send() -> None:
    assert messages.content_of(messages.item_to_wire(item())) == content()
