"""Reads the words that a query is cut with; words.txt says how it is written and where it comes from."""

from __future__ import annotations

from functools import cache
from importlib import resources

from catalogue.domain.search import Vocabulary, normalised


@cache
def vocabulary() -> Vocabulary:
    """The words of words.txt. Raises ValueError for a line that is none of its entries."""
    return read(resources.files(__package__).joinpath("words.txt").read_text("utf-8"))


def read(text: str) -> Vocabulary:
    """A vocabulary from its file's text. Raises ValueError."""
    words: set[str] = set()
    noise: set[str] = set()
    same: dict[str, tuple[str, ...]] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        kind, _, entry = normalised(line).strip().partition(" ")
        if kind in ("word", "noise", "same") and not entry:
            raise ValueError(f"line {number}: {kind} of nothing")
        match kind:
            case "word":
                words.add(entry)
            case "noise":
                noise.add(entry)
            case "same":
                name, equals, others = entry.partition(" = ")
                if not equals or not others:
                    raise ValueError(f"line {number}: `same` names one word and what it stands for")
                same[name] = tuple(other.strip() for other in others.split("|"))
            case _ if kind and not kind.startswith("#"):
                raise ValueError(f"line {number}: neither word, noise nor same")
    return Vocabulary(frozenset(words), frozenset(noise), same)
