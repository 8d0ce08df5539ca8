"""Pages: every row once, and only cursors that a list gave out."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass

import pytest
from chassis.errors import Fault
from chassis.paging import LARGEST_SIZE, Wish, page, wish
from hypothesis import given
from hypothesis import strategies as st


@dataclass
class Request:
    size: int = 0
    cursor: str = ""


def read(rows, wanted):
    return [row for row in sorted(rows) if wanted.after is None or row > wanted.after][: wanted.size + 1]


texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=3)


@given(st.sets(st.tuples(texts, st.integers(-5, 5))), st.integers(1, 7))
def test_walking_the_pages_shows_every_row_once_in_order(rows, size) -> None:
    seen, cursor = [], ""
    for _ in range(len(rows) + 1):
        wanted = wish(Request(size, cursor), str, int)
        one = page(read(rows, wanted), wanted, lambda row: row)
        seen += one.rows
        cursor = one.next
        if not cursor:
            break
    assert seen == sorted(rows)


def test_nothing_asked_for_is_the_first_page_of_the_usual_size() -> None:
    assert wish(Request(), str) == Wish(20, None)


def encoded(value) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "request_",
    [
        Request(size=LARGEST_SIZE + 1),
        Request(size=-1),
        Request(cursor="!"),
        Request(cursor="eA"),
        Request(cursor="é"),
        Request(cursor=encoded({"a": 1})),
        Request(cursor=encoded(["a"])),
        Request(cursor=encoded(["a", "1"])),
        Request(cursor=encoded(["a", True])),
        Request(cursor=encoded(["a", 2**63])),
        Request(cursor=encoded(["a\x00", 1])),
        Request(cursor=encoded(["a\ud800", 1])),
        Request(cursor=encoded(["a", 1, 1])),
    ],
)
def test_a_cursor_that_no_list_gave_out_is_refused(request_) -> None:
    with pytest.raises(Fault) as refused:
        wish(request_, str, int)
    assert refused.value.code == "request.bad_page"
    assert refused.value.kind == "invalid"
