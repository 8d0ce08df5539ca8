"""Import items that this district offers from a list of names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from catalogue.domain.errors import CatalogueError, InvalidItem
from catalogue.domain.model import Audience, Content, MaterialRequirement, Mode, Provenance, Terms
from catalogue.domain.policies import code_for
from catalogue.usecases.ports import Work
from catalogue.usecases.publish_item import publish_item

#: One line of the file by its headings; a cell too many stands under None, a missing one is None.
Row = Mapping[str | None, str | None]

COLUMNS = ("name_zh", "name_en", "audience", "theme", "source", "confidence")

#: A list of names says nothing of limits, materials and mode; until the owner does, these stand in and say so.
#: Twenty working days: Administrative Licensing Law, article 42.
SAMPLE_TERMS = Terms(
    mode=Mode.FULLY_ONLINE,
    statutory_limit_days=20,
    promised_limit_days=10,
    materials=(
        MaterialRequirement("application_form", "申请表", "application form", required=True),
        MaterialRequirement("supporting_document", "辅助证明材料", "supporting document", required=False),
    ),
    provenance=Provenance.SAMPLE,
)


@dataclass(frozen=True)
class BadRow:
    """A row that was left out. `row` counts as a spreadsheet does: the heading is row 1."""

    row: int
    reason: str


@dataclass
class Report:
    """What an import did, by row."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    bad: list[BadRow] = field(default_factory=list)


def import_items(work: Work, rows: Iterable[Row], *, district: str, now: datetime) -> Report:
    """Publishes every good row and reports every bad one with its number and reason; the same rows again change nothing.

    What the owner has entered since is kept: an item that is the owner's own word is left alone, and so are terms that
    replaced the sample ones.
    """
    report = Report()
    first_seen: dict[str, int] = {}
    for number, row in enumerate(rows, start=2):
        try:
            content = _content_of(row, district)
            if (first := first_seen.setdefault(content.code, number)) != number:
                raise InvalidItem("name_zh", f"repeats row {first}")
            _publish(work, content, report, district, now)
        except CatalogueError as error:
            report.bad.append(BadRow(number, str(error)))
    return report


def _publish(work: Work, content: Content, report: Report, district: str, now: datetime) -> None:
    kept = work.items.get_for_change(content.code)
    if kept is not None and kept.handling_district == district:
        content = _with_owners_word(content, kept.content)
    _, changed = publish_item(work, content, district=district, now=now)
    if not changed:
        report.unchanged += 1
    elif kept is None:
        report.added += 1
    else:
        report.changed += 1


def _with_owners_word(content: Content, kept: Content) -> Content:
    if kept.name_zh != content.name_zh:
        raise InvalidItem("name_zh", f"gets the code {kept.code}, which the item {kept.name_zh} already has")
    return kept if kept.provenance is Provenance.OWNER else replace(content, terms=kept.terms)


def _content_of(row: Row, district: str) -> Content:
    if set(row) != set(COLUMNS) or None in row.values():
        raise InvalidItem("row", f"must have exactly the cells {', '.join(COLUMNS)}")
    cells = {column: (row[column] or "").strip() for column in COLUMNS}
    if not cells["source"]:
        raise InvalidItem("source", "must not be empty: a name without a source cannot be checked")
    return Content(
        code=code_for(district, cells["name_zh"]),
        name_zh=cells["name_zh"],
        name_en=cells["name_en"],
        audience=Audience(_one_of("audience", cells["audience"], Audience)),
        theme=cells["theme"],
        source=cells["source"],
        provenance=Provenance(_one_of("confidence", cells["confidence"], (Provenance.READ, Provenance.RECALLED))),
        terms=SAMPLE_TERMS,
    )


def _one_of(field: str, value: str, allowed: Iterable[str]) -> str:
    if value not in (words := list(allowed)):
        raise InvalidItem(field, f"must be one of {', '.join(words)}")
    return value
