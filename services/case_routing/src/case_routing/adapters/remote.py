"""Other services of this district, asked before any transaction is open."""

from __future__ import annotations

from chassis.caller import RpcCaller
from chassis.errors import Fault, Kind

from case_routing import messages
from case_routing.domain.errors import UnknownItem
from case_routing.domain.model import Applicant, Guide


class RemoteCatalogue:
    """catalogue.get_item"""

    def __init__(self, caller: RpcCaller) -> None:
        self._caller = caller

    def guide(self, item_code: str) -> Guide:
        question = messages.guide_question(item_code)
        try:
            answer = self._caller.call("catalogue", "get_item", question, messages.GuideAnswer)
        except Fault as fault:
            if fault.kind is Kind.NOT_FOUND:
                raise UnknownItem(item_code) from fault
            raise
        return messages.guide(answer)


class RemotePeople:
    """identity.get_applicant"""

    def __init__(self, caller: RpcCaller) -> None:
        self._caller = caller

    def applicant(self, subject: str, home: str, peer: str) -> Applicant:
        question = messages.applicant_question(subject, peer)
        answer = self._caller.call("identity", "get_applicant", question, messages.ApplicantAnswer)
        return messages.applicant(answer, home)
