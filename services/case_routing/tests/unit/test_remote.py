"""Other services are asked no more often than has to be, and what they refuse is never kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from case_routing.adapters.remote import GUIDE_KEPT, RemoteCatalogue
from case_routing.domain.errors import UnknownItem
from chassis.clock import FixedClock
from chassis.errors import Fault, Kind
from tongban.catalogue.v1 import catalogue_pb2 as catalogue
from tongban.common.v1 import common_pb2 as common

MOMENT = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


class Caller:
    """Catalogue: it has what `handling` names."""

    def __init__(self) -> None:
        self.handling: dict[str, str] = {"item-1": "310101"}
        self.asked: list[str] = []

    def call(self, service: str, method: str, request: catalogue.GetItemRequest, response_type: type) -> catalogue.Item:
        self.asked.append(request.code)
        if request.code not in self.handling:
            raise Fault("catalogue.unknown_item", Kind.NOT_FOUND, "There is no such item.")
        return catalogue.Item(
            code=request.code,
            handling_district=self.handling[request.code],
            mode=catalogue.CROSS_PROVINCE_MODE_FULLY_ONLINE,
            provenance=common.PROVENANCE_GENERATED,
        )


class Clock:
    def __init__(self) -> None:
        self.moment = MOMENT

    def now(self) -> datetime:
        return self.moment


def test_an_item_is_asked_for_once_while_it_is_kept_and_again_afterwards():
    caller, clock = Caller(), Clock()
    remote = RemoteCatalogue(caller, clock)
    assert [remote.guide("item-1").handling for _ in range(3)] == ["310101"] * 3
    assert caller.asked == ["item-1"]
    caller.handling["item-1"] = "330102"
    clock.moment += GUIDE_KEPT
    assert remote.guide("item-1").handling == "330102"


def test_an_item_that_is_gone_is_refused_as_soon_as_it_is_asked_for_again():
    caller, clock = Caller(), Clock()
    remote = RemoteCatalogue(caller, clock)
    remote.guide("item-1")
    caller.handling.clear()
    clock.moment += GUIDE_KEPT
    with pytest.raises(UnknownItem):
        remote.guide("item-1")


def test_what_catalogue_does_not_have_is_asked_for_every_time():
    caller = Caller()
    remote = RemoteCatalogue(caller, FixedClock())
    for _ in range(2):
        with pytest.raises(UnknownItem):
            remote.guide("item-2")
    assert caller.asked == ["item-2", "item-2"]


def test_a_clock_that_is_set_back_keeps_nothing_longer():
    caller, clock = Caller(), Clock()
    remote = RemoteCatalogue(caller, clock)
    remote.guide("item-1")
    clock.moment -= timedelta(hours=1)
    remote.guide("item-1")
    assert caller.asked == ["item-1", "item-1"]
