"""The contract and the domain say the same."""

from __future__ import annotations

import pytest
from terminal_fleet import messages
from terminal_fleet.domain.errors import InvalidKiosk
from terminal_fleet.domain.events import HealthReported, KioskChanged, PlacementAnswered, PlacementOffered
from terminal_fleet.domain.model import Health, Placement

from ..factories import NOW, kiosk


def test_every_word_has_a_number_of_its_own() -> None:
    for placement in Placement:
        assert messages.kiosk_to_wire(kiosk(placement=placement)).placement != 0
    for health in Health:
        assert messages.kiosk_to_wire(kiosk(health=health)).health != 0


def test_an_offer_says_what_the_host_needs_and_not_the_client() -> None:
    one = kiosk(placement=Placement.OFFERED)
    wire = messages.message_to_wire(PlacementOffered(one))
    assert wire.kiosk.client_id == ""
    offered = messages.offer_of(wire, NOW).kiosk
    told = ("id", "owner", "host", "name", "place", "placement", "version")
    assert [getattr(offered, name) for name in told] == [getattr(one, name) for name in told]


def test_the_event_in_the_owners_district_names_the_client() -> None:
    assert messages.event_to_wire(KioskChanged(kiosk())).kiosk.client_id == kiosk().client_id


@pytest.mark.parametrize("at", [None, NOW])
def test_what_districts_tell_each_other_survives_the_way(at) -> None:
    for message, back in (
        (PlacementAnswered("k", False, "why"), messages.answer_of),
        (HealthReported("k", Health.SILENT, at, 4), messages.report_of),
    ):
        assert back(messages.message_to_wire(message)) == message


def test_an_unknown_health_is_refused() -> None:
    wire = messages.message_to_wire(HealthReported("k", Health.SILENT, None, 4))
    wire.health = 99
    with pytest.raises(InvalidKiosk):
        messages.report_of(wire)


def test_a_refused_messages_subject_names_the_kiosk() -> None:
    assert messages.kiosk_id_of(messages.subject_of("k1")) == "k1"
