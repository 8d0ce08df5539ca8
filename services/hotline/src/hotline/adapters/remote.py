"""What the hotline asks of identity."""

from __future__ import annotations

from chassis.caller import RpcCaller
from chassis.errors import Fault, Kind

from hotline import messages


class Identity:
    """The identity service of this district."""

    def __init__(self, caller: RpcCaller) -> None:
        self._caller = caller

    def subject_at(self, subject: str, district: str) -> str:
        """The person's pairwise subject for `district`; empty where the account is gone. Raises Fault (unavailable …)."""
        request = messages.GetApplicantRequest(subject=subject, pairwise_for_district=district)
        try:
            return self._caller.call("identity", "get_applicant", request, messages.Applicant).pairwise_subject
        except Fault as fault:
            if fault.kind is Kind.NOT_FOUND:
                return ""
            raise
