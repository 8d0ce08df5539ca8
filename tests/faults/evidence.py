"""What became of a trial's attempts, read from both districts' tables, the mail sink and the couriers' logs.

Every effect is found by the attempt's id, which the tables keep in clear: in `case_number` of a ticket, `kiosk_id` of a
case, `about` of a notice. What was written since the trial began and names no attempt of its journal is nobody's.
"""

from __future__ import annotations

import base64
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.faults.compare import Found
from tests.faults.journal import Journal
from tests.faults.rig import Rig
from tests.faults.side import GUSU, Side

_MESSAGE_ID = re.compile(rb"^Message-ID:\s*<([^@>]+)@", re.MULTILINE | re.IGNORECASE)
_OFFERS = {"TicketTransferOffered", "HandOverOffered"}


@dataclass
class MailSink:
    """The mails that the local SMTP server kept, each read once: how many files carry one Message-ID."""

    folder: Path
    _read: dict[str, str] = field(default_factory=dict)

    def copies(self) -> Counter[str]:
        """Delivery's id → how many mails of it came."""
        for path in self.folder.glob("*.eml"):
            if path.name not in self._read:
                found = _MESSAGE_ID.search(path.read_bytes()[:4096])
                self._read[path.name] = found.group(1).decode() if found else ""
        return Counter(self._read.values())


@dataclass
class Witness:
    """Reads the evidence of one trial, as often as it is asked."""

    rig: Rig
    journal: Journal
    #: Rows from before are of earlier trials.
    since: datetime
    mail: MailSink

    @classmethod
    def of(cls, rig: Rig, journal: Journal, mail: MailSink) -> Witness:
        return cls(rig, journal, datetime.now(UTC), mail)

    def look(self) -> Found:
        """Everything that is there now."""
        found = Found()
        flows = {attempt.flow for attempt in self.journal}
        if flows & {"ticket", "notice", "forgery"}:
            self._tickets(found)
        if "case" in flows:
            self._cases(found)
        if "event" in flows:
            self._notices(found, {id: id for id in self._ids("event")}, "opened")
        return found

    def _ids(self, *flows: str) -> list[str]:
        return [attempt.id for attempt in self.journal if attempt.flow in flows]

    # Tickets ----------------------------------------------------------------------------------------------------------------

    def _tickets(self, found: Found) -> None:
        ids = self._ids("ticket", "notice", "forgery")
        here, there = self.rig.here, self.rig.there
        ask = "SELECT number, case_number, opened_in FROM tickets WHERE case_number = ANY(%s) OR opened_at >= %s"
        numbers = {}
        for number, id, opened_in in here.rows("hotline", ask, ids, self.since):
            _count(found, id, "ticket here" if opened_in == GUSU else "ticket of another here", number)
            numbers[number] = id
        foreign = {}
        for number, id, _ in there.rows("hotline", ask, ids, self.since):
            _count(found, id, "ticket there", number)
            foreign[number] = id
        told = (
            "SELECT number, count(*) FROM ticket_entries WHERE event = 'transfer_taken' AND number = ANY(%s) GROUP BY 1"
        )
        for side, known, effect in ((here, numbers, "taken told here"), (there, foreign, "taken there")):
            for number, count in side.rows("hotline", told, list(known)):
                found.effects[known[number], effect] += count
        self._accepted(found, {f"ticket/{number}": id for number, id in {**numbers, **foreign}.items()})
        self._unsettled(found, here, "hotline", {f"ticket/{number}": id for number, id in numbers.items()})
        mine = set(self._ids("notice"))
        self._notices(found, {number: id for number, id in numbers.items() if id in mine}, "opened")

    # Cases ------------------------------------------------------------------------------------------------------------------

    def _cases(self, found: Found) -> None:
        ids = self._ids("case")
        ask = "SELECT number, kiosk_id FROM cases WHERE kiosk_id = ANY(%s) OR submitted_at >= %s"
        known: dict[str, dict[str, str]] = {}
        for side, effect in ((self.rig.here, "case here"), (self.rig.there, "case there")):
            numbers = known[effect] = dict(side.rows("case_routing", ask, ids, self.since))
            for number, id in numbers.items():
                _count(found, id, effect, number)
        taken = "SELECT number, count(*) FROM case_history WHERE act = 'hand_over_taken' AND turn = 2 AND number = ANY(%s) GROUP BY 1"
        for side, where, effect in (
            (self.rig.here, "case here", "taken told here"),
            (self.rig.there, "case there", "taken there"),
        ):
            for number, count in side.rows("case_routing", taken, list(known[where])):
                found.effects[known[where][number], effect] += count
        numbers = known["case here"]
        self._accepted(found, {f"case/{number}": id for number, id in numbers.items()})
        self._unsettled(found, self.rig.here, "case_routing", {f"case/{number}": id for number, id in numbers.items()})
        self._notices(found, numbers, "submitted")

    # The couriers' logs -------------------------------------------------------------------------------------------------------

    def _accepted(self, found: Found, subjects: Mapping[str, str]) -> None:
        """How often Huangpu's courier accepted an offer about each subject, by its log."""
        ask = "SELECT subject, jws FROM log WHERE kind = 'accepted' AND peer = %s AND subject = ANY(%s)"
        for subject, jws in self.rig.there.rows("courier", ask, GUSU, list(subjects)):
            if _type_of(jws) in _OFFERS:
                found.effects[subjects[subject], "offer accepted there"] += 1

    def _unsettled(self, found: Found, side: Side, service: str, subjects: Mapping[str, str]) -> None:
        """What still waits shows that something is to come."""
        rows = side.rows(
            service, "SELECT DISTINCT headers->>'cloudEvents:subject' FROM outbox WHERE confirmed_at IS NULL"
        ) + side.rows("courier", "SELECT DISTINCT subject FROM sent WHERE settled_at IS NULL")
        for (subject,) in rows:
            if subject in subjects:
                found.show(subjects[subject], "waiting")

    # Notices ------------------------------------------------------------------------------------------------------------------

    def _notices(self, found: Found, abouts: Mapping[str, str], event: str) -> None:
        if not abouts:
            return
        here = self.rig.here
        ask = "SELECT about, id FROM notices WHERE event = %s AND about = ANY(%s)"
        notices = {id: about for about, id in here.rows("notification", ask, event, list(abouts))}
        for about in notices.values():
            found.effects[abouts[about], "notice"] += 1
        copies = self.mail.copies()
        ask = "SELECT id, notice_id FROM deliveries WHERE channel = 'email' AND notice_id = ANY(%s)"
        for delivery, notice in here.rows("notification", ask, list(notices)):
            if came := copies[delivery]:
                found.effects[abouts[notices[notice]], "mail"] += 1
                found.mail_copies += came - 1


def _count(found: Found, id: str, effect: str, number: str) -> None:
    if id:
        found.effects[id, effect] += 1
    else:
        found.strays.append(f"{effect}: {number}")


def _type_of(jws: str) -> str:
    """The last part of the message type that an envelope's signature names; also of an unsigned one (test builds)."""
    payload = jws.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return str(claims["type"]).rpartition(".")[2]


def complete(
    found: Found, ids: Iterable[str], wanted: Mapping[str, Iterable[str]], flows: Mapping[str, str]
) -> set[str]:
    """The attempts among `ids` that have every effect."""
    counts: dict[str, set[str]] = defaultdict(set)
    for (id, effect), n in found.effects.items():
        if n:
            counts[id].add(effect)
    return {id for id in ids if set(wanted[flows[id]]) <= counts[id]}
