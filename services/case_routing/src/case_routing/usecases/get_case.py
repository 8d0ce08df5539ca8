"""One case, as this district knows it: also for its timeline and its traces."""

from __future__ import annotations

from case_routing.domain.model import Case, Reader
from case_routing.usecases.acting import permitted, well_formed
from case_routing.usecases.ports import Work


def get_case(work: Work, number: str, citizen: Reader | None = None) -> Case:
    """Raises UnknownCase, or NotYours where a citizen asks for another's."""
    return permitted(work.cases.get(well_formed(number)), number, citizen)
