"""What a citizen may see and act on now."""

from __future__ import annotations

from case_routing.domain.model import Acting, Reader
from case_routing.usecases.ports import People


def reader_for(people: People, person: Acting) -> Reader:
    """Own cases; or those of the firm they act for, while identity says that they may: asked anew each time."""
    return people.party(person, "").reader if person.firm else Reader(person.subject)
