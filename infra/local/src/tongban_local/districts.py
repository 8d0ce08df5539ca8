"""The districts that may be started here: the folders of infra/districts, one a division code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import yaml

from tongban_local.checkout import ROOT

#: Gusu, where a person stands, and Huangpu, who decides: what `make up` starts unless told otherwise.
DEFAULT = ("320508", "310101")


class UnknownDistrict(ValueError):
    """A code that names none of our districts; the message lists those there are."""


@dataclass(frozen=True)
class DistrictFacts:
    """One member, keyed by its division code (GB/T 2260): several cities have a district of the same name."""

    code: str
    name_zh: str
    name_en: str
    relation: str
    n: int
    linked_to: tuple[str, ...] = ()

    @property
    def host(self) -> str:
        """Its own loopback address: cookies ignore ports, so districts must not share one."""
        return f"127.20.{self.n}.1"

    def is_linked(self, other: DistrictFacts) -> bool:
        """Within the alliance everybody is; a bilateral partner only with whom it names."""
        pairs = ((self, other), (other, self))
        return self != other and all(a.relation != "bilateral" or b.code in a.linked_to for a, b in pairs)


def known_districts() -> Mapping[str, DistrictFacts]:
    """Every district by code."""
    found = {}
    for path in sorted((ROOT / "infra" / "districts").glob("*/local.yaml")):
        facts = yaml.safe_load(path.read_text())
        facts["linked_to"] = tuple(facts.get("linked_to", ()))
        found[facts["code"]] = DistrictFacts(**facts)
    return found


def chosen(codes: Iterable[str]) -> list[DistrictFacts]:
    """The districts of `codes`, each once, in that order. Raises UnknownDistrict."""
    known, wanted = known_districts(), list(dict.fromkeys(codes))
    if unknown := [code for code in wanted if code not in known]:
        names = ", ".join(f"{facts.code} {facts.name_zh} {facts.name_en}" for facts in known.values())
        raise UnknownDistrict(f"{', '.join(unknown)}: not a district here. There are {names}.")
    return [known[code] for code in wanted]


def linked_to(facts: DistrictFacts) -> tuple[str, ...]:
    """The codes of everybody that `facts` may have a link with."""
    return tuple(code for code, other in known_districts().items() if facts.is_linked(other))
