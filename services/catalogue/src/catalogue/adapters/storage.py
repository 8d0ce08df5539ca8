"""The catalogue's transaction on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from chassis.outbox import Outbox
from chassis.paging import Wish
from sqlalchemy import ColumnElement, Connection, Integer, Row, Select, bindparam, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from catalogue import messages
from catalogue.adapters import search_sql
from catalogue.adapters.tables import items
from catalogue.domain.events import ItemPublished
from catalogue.domain.model import Audience, Content, Item, MaterialRequirement, Mode, Provenance, Terms
from catalogue.domain.policies import grams, search_text
from catalogue.domain.search import Found, Query
from catalogue.usecases.ports import Filters

#: What an item is made of; what only searches look at stays where it is.
_SHOWN = [column for column in items.c if not column.name.startswith("search")]


class Work:
    """One transaction of the catalogue of `district`."""

    def __init__(self, connection: Connection, outbox: Outbox, district: str) -> None:
        self.items = Items(connection, district)
        self._outbox = outbox

    def record(self, event: ItemPublished) -> None:
        self._outbox.publish(messages.event_to_wire(event), subject=_subject(event), version=event.item.version)

    def send(self, event: ItemPublished, target: str) -> None:
        self._outbox.send(messages.event_to_wire(event), target=target, subject=_subject(event))


class Items:
    """Own items and copies of peers', by code."""

    def __init__(self, connection: Connection, district: str) -> None:
        self._connection = connection
        self._district = district

    def get(self, code: str) -> Item | None:
        row = self._connection.execute(select(*_SHOWN).where(items.c.code == code)).one_or_none()
        return _item(row) if row else None

    def get_for_change(self, code: str) -> Item | None:
        # A lock on the code rather than the row: it also holds for an item that does not exist yet.
        self._connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(code, 0))))
        return self.get(code)

    def save(self, item: Item) -> None:
        values = columns(item) | {"is_copy": item.handling_district != self._district}
        self._connection.execute(
            insert(items).values(values).on_conflict_do_update(index_elements=["code"], set_=values)
        )

    def find(self, query: Query, filters: Filters, wish: Wish) -> Sequence[Found]:
        wanted, key = _search(len(query.words), query.least, filters)
        if wish.after is not None:
            wanted = wanted.where(search_sql.after(key, wish.after))
        rows = self._connection.execute(wanted, {**search_sql.asked(query), "most": wish.size + 1})
        return [Found(_item(row), (row.matched, row.in_title, row.length, row.name_zh, row.code)) for row in rows]

    def stale(self, limit: int) -> Sequence[Item]:
        unseen = items.c.searched_version.is_distinct_from(items.c.version)
        wanted = select(*_SHOWN).where(unseen).order_by(items.c.code).limit(limit).with_for_update(skip_locked=True)
        return [_item(row) for row in self._connection.execute(wanted)]

    def index(self, item: Item) -> None:
        change = update(items).where(items.c.code == item.code, items.c.version == item.version)
        self._connection.execute(change.values(_searched(item)))

    def list(self, filters: Filters, wish: Wish) -> Sequence[Item]:
        key, wanted = (items.c.is_copy, items.c.code), _filtered(select(*_SHOWN), filters)
        if wish.after is not None:
            wanted = wanted.where(tuple_(*key) > wish.after)
        return [_item(row) for row in self._connection.execute(wanted.order_by(*key).limit(wish.size + 1))]

    def own(self) -> Iterator[Item]:
        rows = self._connection.execute(select(*_SHOWN).where(~items.c.is_copy).order_by(items.c.code))
        return map(_item, rows)


@lru_cache(maxsize=64)
def _search(words: int, least: int, filters: Filters) -> tuple[Select[Any], tuple[ColumnElement[Any], ...]]:
    """The first page of every search of this shape, and what it is ordered by: to put it together costs more than to send it."""
    key = search_sql.place(words, least)
    wanted = _filtered(select(*_SHOWN, *key[:3]), filters).where(*search_sql.holds(words, least))
    return wanted.order_by(*key).limit(bindparam("most", type_=Integer)), key


def _filtered(query: Select[Any], filters: Filters) -> Select[Any]:
    if filters.handling_district:
        query = query.where(items.c.handling_district == filters.handling_district)
    if filters.mode is not None:
        query = query.where(items.c.mode == filters.mode.value)
    return query


def _subject(event: ItemPublished) -> str:
    return f"item/{event.item.code}"


def columns(item: Item) -> dict[str, Any]:
    """A row of `items`, but for `is_copy`."""
    content, terms, text = item.content, item.content.terms, search_text(item.content)
    return {
        "code": content.code,
        "handling_district": item.handling_district,
        "name_zh": content.name_zh,
        "name_en": content.name_en,
        "audience": content.audience.value,
        "theme": content.theme,
        "mode": terms.mode.value,
        "statutory_limit_days": terms.statutory_limit_days,
        "promised_limit_days": terms.promised_limit_days,
        "materials": [vars(material) for material in terms.materials],
        "source": content.source,
        "provenance": content.provenance.value,
        "terms_provenance": terms.provenance.value,
        "version": item.version,
        "published_at": item.published_at,
        "search_text": text,
        "search_grams": sorted(grams(text)),
        **_searched(item),
    }


def _searched(item: Item) -> dict[str, Any]:
    return {"search": search_sql.vector(item.content), "searched_version": item.version}


def _item(row: Row[Any]) -> Item:
    terms = Terms(
        mode=Mode(row.mode),
        statutory_limit_days=row.statutory_limit_days,
        promised_limit_days=row.promised_limit_days,
        materials=tuple(MaterialRequirement(**material) for material in row.materials),
        provenance=Provenance(row.terms_provenance),
    )
    content = Content(
        code=row.code,
        name_zh=row.name_zh,
        name_en=row.name_en,
        audience=Audience(row.audience),
        theme=row.theme,
        source=row.source,
        provenance=Provenance(row.provenance),
        terms=terms,
    )
    return Item(content, row.handling_district, row.version, row.published_at)
