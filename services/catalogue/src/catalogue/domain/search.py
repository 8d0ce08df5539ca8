"""What a person types, and what of an item it is held against: pure functions over words, their pairs of characters, and places.

An item is known by the terms of its title (both names) and of its text (theme, audience, mode, materials): every Chinese
character and every pair of neighbours, and every Latin word or number. A query is cut into words with a vocabulary; a word is there when
all of its pairs are, so what stands in a name is always found, whether the vocabulary knows it or not (infra/adr/0018).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from catalogue.domain.errors import InvalidQuery
from catalogue.domain.model import Audience, Content, Item, Mode

LONGEST_QUERY = 100
#: Words beyond are not looked at: nobody types so many, and each costs.
MOST_WORDS = 16
LONGEST_WORD = 12

_RUN = re.compile(r"[\u3400-\u9fff\U00020000-\U000323af]+|[a-z0-9]+")
AUDIENCE_WORDS = {
    Audience.PERSON: "person 个人",
    Audience.FIRM: "firm 法人 企业",
    Audience.BOTH: "person firm 个人 法人 企业",
}
_MODE_WORDS = {
    Mode.FULLY_ONLINE: "fully online 全程网办",
    Mode.PROXY_COLLECTION: "proxy collection 异地代收代办",
    Mode.JOINT_HANDLING: "joint handling 多地联办",
}


@dataclass(frozen=True)
class Vocabulary:
    """What cuts a query: `words` of the trade, `noise` that says nothing about an item, and other names for the same."""

    words: frozenset[str]
    noise: frozenset[str]
    same: Mapping[str, tuple[str, ...]]

    def knows(self, word: str) -> bool:
        return word in self.words or word in self.noise or word in self.same


@dataclass(frozen=True)
class Word:
    """One thing asked for: each alternative is terms that must all be there. A term with `*` stands for what begins so."""

    alternatives: tuple[tuple[str, ...], ...]

    def is_in(self, terms: frozenset[str]) -> bool:
        return any(all(_has(terms, term) for term in alternative) for alternative in self.alternatives)


@dataclass(frozen=True)
class Query:
    """Items that hold at least `least` of `words`; without words every item."""

    words: tuple[Word, ...] = ()
    least: int = 0


#: Where an item stands in an answer, ascending: words found, words found in the title (both as minus), length of the title, name, code.
Place = tuple[int, int, int, str, str]


@dataclass(frozen=True)
class Found:
    item: Item
    place: Place


def check_query(text: str) -> None:
    """Raises InvalidQuery for what no person types."""
    if len(text) > LONGEST_QUERY:
        raise InvalidQuery(f"has at most {LONGEST_QUERY} characters")


def normalised(text: str) -> str:
    """Text as it is searched: full-width and half-width, upper and lower case are the same."""
    return unicodedata.normalize("NFKC", text).casefold()


def title_terms(content: Content) -> frozenset[str]:
    return terms_of(f"{content.name_zh} {content.name_en}")


def text_terms(content: Content) -> frozenset[str]:
    """Terms of the guide around the title."""
    materials = " ".join(f"{each.name_zh} {each.name_en}" for each in content.terms.materials)
    words = (content.theme, AUDIENCE_WORDS[content.audience], _MODE_WORDS[content.terms.mode], materials)
    return terms_of(" ".join(words))


def terms_of(text: str) -> frozenset[str]:
    """Every term in `text`."""
    return frozenset(term for run in _runs(text) for term in ({run, _stem(run)} if _is_latin(run) else _grams(run)))


def exact(text: str, vocabulary: Vocabulary) -> Query:
    """Everything that `text` names must be there."""
    words = tuple(_word(piece, vocabulary) for piece in _pieces(text, vocabulary))
    return Query(words, len(words))


def near(text: str, vocabulary: Vocabulary) -> Query:
    """At least half of it must be there, counted by pairs of characters where a word is not known in other words."""
    words: list[Word] = []
    for piece in _pieces(text, vocabulary):
        if piece in vocabulary.same or _is_latin(piece):
            words.append(_word(piece, vocabulary))
        else:
            words.extend(Word(((pair,),)) for pair in _pairs(piece))
    words = words[:MOST_WORDS]
    return Query(tuple(words), (len(words) + 1) // 2)


def place_of(item: Item, query: Query) -> Place | None:
    """Where `item` stands among what `query` finds; None where it is not found."""
    title = title_terms(item.content)
    whole = title | text_terms(item.content)
    matched = sum(word.is_in(whole) for word in query.words)
    if matched < query.least:
        return None
    if not query.words:
        return 0, 0, 0, item.content.name_zh, item.code
    in_title = sum(word.is_in(title) for word in query.words)
    return -matched, -in_title, len(item.content.name_zh), item.content.name_zh, item.code


# How a query is cut --------------------------------------------------------------------------------------------------


def _pieces(text: str, vocabulary: Vocabulary) -> list[str]:
    """The words of a query, each once; noise only where there is nothing else."""
    found = [piece for run in _runs(text) for piece in ([run] if _is_latin(run) else _cut(run, vocabulary))]
    telling = [piece for piece in found if piece not in vocabulary.noise]
    return list(dict.fromkeys(telling or found))[:MOST_WORDS]


def _cut(run: str, vocabulary: Vocabulary) -> Iterator[str]:
    """`run` in words, so that as few characters as can be are in none, and then in as few words as can be."""
    best: list[tuple[int, int, int]] = [(0, 0, 0)]  # unknown characters, pieces, where the last piece begins
    for end in range(1, len(run) + 1):
        unknown, pieces, _ = best[end - 1]
        options = [(unknown + 1, pieces + 1, end - 1)]
        for start in range(max(0, end - LONGEST_WORD), end):
            if vocabulary.knows(run[start:end]):
                options.append((best[start][0], best[start][1] + 1, start))
        best.append(min(options))
    cuts, end = [len(run)], len(run)
    while end:
        end = best[end][2]
        cuts.append(end)
    yield from _joined([run[start:end] for end, start in pairwise(cuts)][::-1], vocabulary)


def _joined(pieces: Iterable[str], vocabulary: Vocabulary) -> Iterator[str]:
    """Neighbours that are in no word make one piece."""
    loose = ""
    for piece in pieces:
        if len(piece) == 1 and not vocabulary.knows(piece):
            loose += piece
            continue
        if loose:
            yield loose
            loose = ""
        yield piece
    if loose:
        yield loose


def _word(piece: str, vocabulary: Vocabulary) -> Word:
    names = (piece, *vocabulary.same.get(piece, ()))
    return Word(tuple(tuple(term for run in _runs(name) for term in _asked(run)) for name in names))


def _asked(run: str) -> list[str]:
    """What must be there for `run` to be there."""
    if not _is_latin(run):
        return _pairs(run)
    return [f"{_stem(run)}*"] if len(run) > 2 else [run]


# Terms ---------------------------------------------------------------------------------------------------------------


def _runs(text: str) -> list[str]:
    return _RUN.findall(normalised(text))


def _is_latin(run: str) -> bool:
    return run[0] < "\u0100"


def _grams(run: str) -> set[str]:
    return {*run, *(run[at : at + 2] for at in range(len(run) - 1))}


def _pairs(run: str) -> list[str]:
    return [run[at : at + 2] for at in range(max(1, len(run) - 1))]


def _stem(word: str) -> str:
    """An English word without its plural; no more grammar than that."""
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _has(terms: frozenset[str], term: str) -> bool:
    if term.endswith("*"):
        return any(each.startswith(term[:-1]) for each in terms)
    return term in terms
