"""One material of a case with its content, for the applicant and for clerks whose district needs it."""

from __future__ import annotations

from dataclasses import replace

from case_routing.domain.errors import MaterialNotHere, MaterialNotOpen
from case_routing.domain.model import Material, Reader
from case_routing.domain.policies import may_open_materials
from case_routing.usecases.get_case import get_case
from case_routing.usecases.ports import Work


def get_material(work: Work, number: str, key: str, citizen: Reader | None = None) -> Material:
    """Raises UnknownCase, NotYours where a citizen asks for another's, MaterialNotOpen to a clerk, MaterialNotHere."""
    case = get_case(work, number, citizen)
    if citizen is None and not may_open_materials(case):
        raise MaterialNotOpen(number)
    material = next((each for each in case.materials if each.key == key), None)
    content = work.cases.content(number, key) if material else None
    if material is None or content is None:
        raise MaterialNotHere(number, key)
    return replace(material, content=content)
