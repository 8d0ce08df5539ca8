"""Checks an application against the catalogue and asks who applies, before any transaction is open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from case_routing.domain.errors import ItemNotOffered
from case_routing.domain.materials import Upload, check_materials
from case_routing.domain.policies import Application
from case_routing.usecases.ports import Catalogue, Numbers, People


@dataclass(frozen=True, slots=True)
class Submission:
    """What a person sends in."""

    item_code: str
    uploads: Sequence[Upload]
    subject: str
    #: The district that knows the person.
    home: str
    kiosk_id: str = ""


def prepare_application(
    submission: Submission, catalogue: Catalogue, people: People, numbers: Numbers, here: str, now: datetime
) -> Application:
    """A complete application under its number. Raises UnknownItem, ItemNotOffered or a refusal of its materials."""
    guide = catalogue.guide(submission.item_code)
    if not guide.handling:
        raise ItemNotOffered(submission.item_code)
    materials = check_materials(guide, submission.uploads)
    peer = guide.handling if guide.handling != here else ""
    applicant = people.applicant(submission.subject, submission.home, peer)
    number = numbers.case_number(here, now)
    return Application(number, guide.item, guide.handling, applicant, materials, submission.kiosk_id)
