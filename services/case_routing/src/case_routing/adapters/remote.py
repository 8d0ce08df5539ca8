"""Other services of this district, asked before any transaction is open."""

from __future__ import annotations

from datetime import datetime, timedelta

from chassis.caller import RpcCaller
from chassis.clock import Clock
from chassis.errors import Fault, Kind

from case_routing import messages
from case_routing.domain.errors import UnknownItem
from case_routing.domain.model import Acting, Guide, Party

#: How long an item that catalogue told of is taken to be as it was.
GUIDE_KEPT = timedelta(seconds=5)
GUIDES_KEPT = 1000


class RemoteCatalogue:
    """catalogue.get_item; under load the same items are wanted again and again, and are asked for once in a while."""

    def __init__(self, caller: RpcCaller, clock: Clock) -> None:
        self._caller, self._clock = caller, clock
        self._kept: dict[str, tuple[Guide, datetime]] = {}

    def guide(self, item_code: str) -> Guide:
        now = self._clock.now()
        guide, until = self._kept.get(item_code, (None, now))
        if guide is None or not now < until <= now + GUIDE_KEPT:  # a clock that was set back keeps nothing longer
            guide = self._asked(item_code)
            if len(self._kept) >= GUIDES_KEPT:
                self._kept.clear()
            self._kept[item_code] = guide, now + GUIDE_KEPT
        return guide

    def _asked(self, item_code: str) -> Guide:
        question = messages.guide_question(item_code)
        try:
            answer = self._caller.call("catalogue", "get_item", question, messages.GuideAnswer)
        except Fault as fault:
            self._kept.pop(item_code, None)
            if fault.kind is Kind.NOT_FOUND:
                raise UnknownItem(item_code) from fault
            raise
        return messages.guide(answer)


class RemotePeople:
    """identity.get_applicant"""

    def __init__(self, caller: RpcCaller) -> None:
        self._caller = caller

    def party(self, person: Acting, peer: str) -> Party:
        question = messages.applicant_question(person, peer)
        answer = self._caller.call("identity", "get_applicant", question, messages.ApplicantAnswer)
        return messages.party(answer, person)
