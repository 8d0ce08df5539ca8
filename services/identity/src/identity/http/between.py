"""A page of ours between a relying party's request and its answer: to prove who one is more strongly, or to choose for whom one acts.

A party asks for the first with `acr_values` (OpenID Connect Core section 3.1.2.1, RFC 9470 section 4) and for the second with a
parameter of ours, `acting_for=choose`: one person is several parties to a case, themself and each firm that they act for. Both are
wishes: the page is shown once, has a way on without doing anything, and the answer says what is true then. Nobody is shown a page where the
party wanted none.
"""

from __future__ import annotations

from chassis.errors import Fault
from starlette.exceptions import HTTPException
from starlette.requests import Request

from identity.domain.model import Account, Assurance
from identity.domain.proofs import LEVEL, Way
from identity.http.forms import read_form
from identity.http.parts import Parts
from identity.http.pending import FIELD, Pending, going_on

#: Our parameter, and its only value.
CHOOSE = ("acting_for", "choose")
#: Field of a waiting request that is ours: its page was shown.
SHOWN = "page_shown"
#: No page raises anybody further; more is a window's.
_MOST = LEVEL[Way.DOCUMENT]


def page_between(pending: Pending, account: Account) -> str:
    """The path of the page that has to be shown first; "" for none."""
    fields = pending.fields
    if SHOWN in fields or "none" in pending.prompts:
        return ""
    if fields.get(CHOOSE[0]) == CHOOSE[1]:
        return "/acting-for"
    wanted = wanted_acr(pending)
    able = bool(account.person.id_number)  # staff has none: their assurance is not theirs to raise
    return "/proofing" if able and wanted and account.acr < min(wanted, _MOST) else ""


def wanted_acr(pending: Pending | None) -> Assurance | None:
    """The weakest assurance that would do for the party; None where it has no wish that we know."""
    known = {acr.value: acr for acr in Assurance}
    asked = pending.fields.get("acr_values", "").split() if pending else []
    return min((known[acr] for acr in asked if acr in known), default=None)


def shown_once(pending: Pending) -> Pending:
    """The request as it waits behind its page."""
    return Pending(dict(pending.fields) | {SHOWN: "1"}, pending.asked_at)


async def waiting(request: Request) -> tuple[str, Pending | None]:
    """The request that waits behind this page, as the address or the form has it, sealed and open; "" and None where none does."""
    sealed = request.query_params.get(FIELD, "")
    if request.method == "POST":
        try:
            sealed = (await read_form(request)).get(FIELD, "")
        except (Fault, HTTPException):
            sealed = ""  # whoever reads the form next says what is wrong with it
    parts = Parts.of(request)
    pending = parts.pending.open(sealed, parts.now()) if sealed else None
    return (sealed, pending) if pending else ("", None)


def behind(sealed: str, pending: Pending | None) -> dict[str, object]:
    """What a page shows of the request that waits behind it: its hidden field, the way on, and where that leads."""
    return {
        "pending": sealed,
        "on": going_on(sealed) if sealed else "",
        "leads_to": [pending.fields["redirect_uri"]] if pending else [],
    }
