"""Checks an application against the catalogue and asks who applies, before any transaction is open."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from case_routing.domain.errors import BadKiosk, ItemNotOffered, OutsideMandate
from case_routing.domain.materials import Upload, check_materials
from case_routing.domain.model import Acting
from case_routing.domain.policies import Application
from case_routing.usecases.ports import Catalogue, Numbers, People

_KIOSK = re.compile(r"[A-Za-z0-9._-]{0,64}")


@dataclass(frozen=True, slots=True)
class Submission:
    """What a person sends in."""

    item_code: str
    uploads: Sequence[Upload]
    person: Acting
    kiosk_id: str = ""


@dataclass(frozen=True, slots=True)
class Office:
    """A district's desk: whom it asks before it takes an application in."""

    here: str
    catalogue: Catalogue
    people: People
    numbers: Numbers


def prepare_application(submission: Submission, office: Office, now: datetime) -> Application:
    """A complete application under its number.

    Raises UnknownItem, ItemNotOffered, BadKiosk, a refusal of its materials, or OutsideMandate.
    """
    if not _KIOSK.fullmatch(submission.kiosk_id):
        raise BadKiosk
    guide = office.catalogue.guide(submission.item_code)
    if not guide.handling:
        raise ItemNotOffered(submission.item_code)
    materials = check_materials(guide, submission.uploads)
    peer = guide.handling if guide.handling != office.here else ""
    party = office.people.party(submission.person, peer)
    if not party.reader.covers(guide.item.code):
        raise OutsideMandate(guide.item.code)
    number = office.numbers.case_number(office.here, now)
    return Application(number, guide.item, guide.handling, party.applicant, materials, submission.kiosk_id)
