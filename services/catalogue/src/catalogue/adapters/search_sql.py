"""A query of the domain as PostgreSQL's full text search (manual, chapter 12).

Vectors and queries are written out by us and cast, so no parser and no configuration of the server has a say: how the
database sorts and which characters it takes for letters differ between installations, and Chinese would vanish in some. Terms are
letters, digits and Chinese characters only (domain/search.py), so nothing in them can be an operator.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Integer, Text, bindparam, cast, func, literal, tuple_
from sqlalchemy.dialects.postgresql import TSQUERY, TSVECTOR

from catalogue.adapters.tables import items
from catalogue.domain.model import Content
from catalogue.domain.search import Place, Query, Word, text_terms, title_terms

_TITLE, _TEXT = "A", "D"
#: Names of what is asked: everything, and each word in whatever part of an item. In its title alone: _TITLE.
_WHOLE, _ANY = "whole", "any"


def vector(content: Content) -> ColumnElement[Any]:
    """What `items.search` holds."""
    return cast(bindparam(None, vector_text(content), Text), TSVECTOR)


def vector_text(content: Content) -> str:
    """Each term once, marked as the title's where it is in the title, as PostgreSQL reads a tsvector."""
    title = title_terms(content)
    marked = [(term, _TITLE) for term in title] + [(term, _TEXT) for term in text_terms(content) - title]
    return " ".join(f"'{term}':1{mark}" for term, mark in sorted(marked))


def asked(query: Query) -> dict[str, str]:
    """What is asked, by the names that `holds` and `place` give its parts."""
    whole = _glue(len(query.words), query.least).join(_of(word) for word in query.words)
    parts = {f"{_TITLE}{i}": _of(word, _TITLE) for i, word in enumerate(query.words)}
    return parts | {f"{_ANY}{i}": _of(word) for i, word in enumerate(query.words)} | {_WHOLE: whole}


def holds(words: int, least: int) -> list[ColumnElement[bool]]:
    """The condition under which a row is found that holds at least `least` of so many words; none where every row is."""
    if not words:
        return []
    found = items.c.search.op("@@")(_query(_WHOLE))
    return [found] if least == words else [found, _count(words, _ANY) >= least]


def place(words: int, least: int) -> tuple[ColumnElement[Any], ...]:
    """The expressions by which rows are ordered, as `domain.search.Place` says."""
    numbers: tuple[ColumnElement[Any], ...] = (literal(0), literal(0), literal(0))
    if words:
        matched = literal(-words) if least == words else -_count(words, _ANY)
        numbers = (matched, -_count(words, _TITLE), func.char_length(items.c.name_zh))
    labels = zip(("matched", "in_title", "length"), numbers, strict=True)
    return (*(cast(number, Integer).label(name) for name, number in labels), items.c.name_zh, items.c.code)


def after(key: tuple[ColumnElement[Any], ...], last: Place | tuple[Any, ...]) -> ColumnElement[bool]:
    plain = [getattr(part, "element", part) for part in key]
    return tuple_(*plain) > tuple_(*(literal(value) for value in last))


def _glue(words: int, least: int) -> str:
    return " & " if least == words else " | "


def _count(words: int, kind: str) -> ColumnElement[Any]:
    """How many of the words a row holds, or holds in its title."""
    found = [cast(items.c.search.op("@@")(_query(f"{kind}{i}")), Integer) for i in range(words)]
    total: ColumnElement[Any] = found[0]
    for each in found[1:]:
        total = total + each
    return total


def _query(name: str) -> ColumnElement[Any]:
    return cast(bindparam(name, type_=Text), TSQUERY)


def _of(word: Word, mark: str = "") -> str:
    return f"({' | '.join('(' + ' & '.join(_term(term, mark) for term in each) + ')' for each in word.alternatives)})"


def _term(term: str, mark: str) -> str:
    star = "*" if term.endswith("*") else ""
    return f"'{term.removesuffix('*')}'" + (f":{star}{mark}" if star or mark else "")
