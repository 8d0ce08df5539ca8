"""Who may do what with a ticket, and what a message from another district changes, as pure functions.

What comes from another district may come late or twice: those functions return None when nothing changes.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from hotline.domain.errors import (
    AlreadyAnswered,
    BounceInstead,
    HandingOver,
    HeldElsewhere,
    InvalidTicket,
    NowhereToReturn,
    SameDistrict,
)
from hotline.domain.model import State, Ticket, Viewer

_DISTRICT = re.compile(r"\d{6}")
_NUMBER = re.compile(r"T(\d{6})-\d{8}-[0-9A-HJKMNP-TV-Z]{8}")
_CASE_NUMBER = re.compile(r"[!-~]{0,64}")
_LONGEST = {"subject_line": 200, "body": 10_000, "answer": 10_000, "reason": 1_000}
_MOST_TURNS = 10_000
_BASE32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: no letter that is read as a digit
_SHANGHAI = ZoneInfo("Asia/Shanghai")


def number_for(district: str, now: datetime, identifier: UUID) -> str:
    """A ticket's number: where and on which day it was opened, and 40 random bits of `identifier`."""
    bits = identifier.int
    tail = "".join(_BASE32[bits >> shift & 31] for shift in range(0, 40, 5))
    return f"T{district}-{now.astimezone(_SHANGHAI):%Y%m%d}-{tail}"


def check_text(field: str, text: str) -> str:
    """`text` without white space around it. Raises InvalidTicket when it is empty, too long or no plain text."""
    text = text.strip()
    if not text:
        raise InvalidTicket(field, "must not be empty")
    if len(text) > _LONGEST[field]:
        raise InvalidTicket(field, f"must be at most {_LONGEST[field]} characters")
    if any(unicodedata.category(sign) in ("Cc", "Cs") and sign not in "\n\r\t" for sign in text):
        raise InvalidTicket(field, "must be plain text")
    return text


def check_case_number(number: str) -> str:
    if not _CASE_NUMBER.fullmatch(number):
        raise InvalidTicket("case_number", "must be a case number or empty")
    return number


def check_offered(ticket: Ticket, turn: int) -> None:
    """A ticket that another district offers must keep the rules that hold for one opened here. Raises InvalidTicket."""
    if not 1 < turn <= _MOST_TURNS:
        raise InvalidTicket("turn", f"must be 2 to {_MOST_TURNS}: 1 is the opening")
    named = _NUMBER.fullmatch(ticket.number)
    if named is None or named[1] != ticket.opened_in:
        raise InvalidTicket("number", "must name the district that opened it")
    check_text("subject_line", ticket.subject_line)
    check_text("body", ticket.body)
    check_case_number(ticket.case_number)


def told_by(district: str, subject: str) -> str:
    """How a person is called here of whom `district` tells: `<its code>:<subject>`, written by whoever takes the ticket.

    So no district can speak of our people, or of those of a third one (infra/adr/0014).
    """
    return f"{district}:{subject}" if subject else ""


def may_see(ticket: Ticket, viewer: Viewer) -> bool:
    return viewer.is_agent or (ticket.opener_subject != "" and ticket.opener_subject == viewer.subject)


def must_hold(ticket: Ticket) -> None:
    """Raises unless this district is responsible now."""
    if ticket.state is State.ANSWERED:
        raise AlreadyAnswered
    if ticket.state is State.TRANSFERRING:
        raise HandingOver(ticket.offered_to)
    if ticket.state is not State.OPEN:
        raise HeldElsewhere(ticket.holder)


def offered(ticket: Ticket, to: str, reason: str, at: datetime) -> Ticket:
    """Handed over: from now on this district may not answer."""
    must_hold(ticket)
    if not _DISTRICT.fullmatch(to):
        raise InvalidTicket("to_district", "must be a six-digit division code")
    if to == ticket.district:
        raise SameDistrict
    if to == ticket.came_from:
        raise BounceInstead(to)
    return ticket.after(
        "transfer_offered",
        at,
        note=check_text("reason", reason),
        state=State.TRANSFERRING,
        holder="",
        offered_to=to,
        attention="",
    )


def answered(ticket: Ticket, answer: str, at: datetime) -> Ticket:
    """Answered by this district."""
    must_hold(ticket)
    return _answered(ticket, check_text("answer", answer), ticket.district, at)


def bounced(ticket: Ticket, reason: str, at: datetime) -> Ticket:
    """ "Not ours": the giver is responsible again when it hears of it, this district no longer."""
    must_hold(ticket)
    if not ticket.came_from:
        raise NowhereToReturn
    reason = check_text("reason", reason)
    turn = ticket.turn + 1
    return ticket.after(
        "bounced", at, note=reason, state=State.RETURNED, holder=ticket.came_from, turn=turn, attention=""
    )


def is_stale_offer(kept: Ticket | None, turn: int) -> bool:
    """Whether an offer was answered long ago: its turn is not beyond the one known here."""
    return kept is not None and turn <= kept.turn


def goes_in_circles(kept: Ticket | None) -> bool:
    """Whether an offered ticket is one that this district still has a part in, so that taking it would close a circle."""
    return kept is not None and kept.state is not State.RETURNED


def taken(ticket: Ticket, turn: int, by: str, at: datetime) -> Ticket | None:
    """Another district took what was offered to it."""
    if ticket.state is not State.TRANSFERRING or (by, turn) != (ticket.offered_to, ticket.turn + 1):
        return None
    return ticket.after(
        "transfer_taken", at, by=by, state=State.TRANSFERRED, holder=by, turn=turn, offered_to="", hand_over_id=""
    )


def answered_elsewhere(
    ticket: Ticket, turn: int, by: str, *, answer: str, answered_by: str, at: datetime
) -> Ticket | None:
    """The district that this one handed it to brings an answer, its own or that of one further on."""
    if not _is_word_of_the_taker(ticket, turn, by):
        return None
    return _answered(ticket, check_text("answer", answer), answered_by or by, at)


def given_back(ticket: Ticket, turn: int, by: str, reason: str, at: datetime) -> Ticket | None:
    """The district that this one handed it to says "not ours": this one is responsible again."""
    if not _is_word_of_the_taker(ticket, turn - 1, by):
        return None
    return _held_again(ticket, "bounced", at, by=by, note=reason, turn=turn)


def refused(ticket: Ticket, message_id: str, peer: str, code: str, at: datetime) -> Ticket:
    """`peer` refused a message about the ticket: a hand-over that failed leaves it here; in any case an agent has to look."""
    note = f"{peer}: {code}"
    if message_id and message_id == ticket.hand_over_id:
        event = "transfer_refused" if ticket.state is State.TRANSFERRING else "bounce_refused"
        return _held_again(ticket, event, at, by=peer, note=code, turn=ticket.turn, attention=note)
    return ticket.after("message_refused", at, by=peer, note=code, attention=note)


def _is_word_of_the_taker(ticket: Ticket, turn: int, by: str) -> bool:
    if ticket.state is State.TRANSFERRING:  # its own message overtook the one that says it took the ticket
        return by == ticket.offered_to and turn > ticket.turn
    return ticket.state is State.TRANSFERRED and by == ticket.holder and turn >= ticket.turn


def _answered(ticket: Ticket, answer: str, by: str, at: datetime) -> Ticket:
    done = {"state": State.ANSWERED, "holder": by, "offered_to": "", "hand_over_id": "", "attention": ""}
    return ticket.after("answered", at, by=by, answer=answer, answered_by=by, answered_at=at, **done)


def _held_again(
    ticket: Ticket, event: str, at: datetime, *, by: str, note: str, turn: int, attention: str = ""
) -> Ticket:
    held = {"state": State.OPEN, "holder": ticket.district, "offered_to": "", "hand_over_id": ""}
    return ticket.after(event, at, by=by, note=note, turn=turn, attention=attention, **held)
