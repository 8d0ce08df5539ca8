"""Pages that are open while the field keys change: what they carry is believed by every process, old or new."""

from __future__ import annotations

import pytest
from chassis.sealed import FieldKey, FieldKeys
from identity.domain.errors import FormExpired
from identity.http.forms import FIELD, FORM_COOKIE, Forms
from identity.http.pending import Pending, PendingRequests
from starlette.requests import Request

from ..factories import NOW

OLD, NEW = FieldKey(b"o" * 32, named=False), FieldKey(b"n" * 32)
ADDED, USED, AFTER = (FieldKeys(keys) for keys in ([OLD, NEW], [NEW, OLD], [NEW]))
COOKIE = "c" * 43


def posted(cookie: str = COOKIE) -> Request:
    return Request({"type": "http", "headers": [(b"cookie", f"{FORM_COOKIE}={cookie}".encode())]})


def forms(keys: FieldKeys) -> Forms:
    return Forms(keys.derived("form"), "https://here.example")


def test_a_form_that_another_process_made_is_taken_before_and_after_the_new_key_is_used() -> None:
    for made_by, sent_to in ((ADDED, USED), (USED, ADDED)):
        forms(sent_to).check(posted(), {FIELD: forms(made_by).token(COOKIE)})


def test_a_form_of_another_browser_or_under_no_key_of_ours_is_not_taken() -> None:
    with pytest.raises(FormExpired):
        forms(USED).check(posted("d" * 43), {FIELD: forms(USED).token(COOKIE)})
    with pytest.raises(FormExpired):
        forms(AFTER).check(posted(), {FIELD: forms(ADDED).token(COOKIE)})


def test_a_request_that_waits_for_a_sign_in_opens_under_either_key() -> None:
    waiting = Pending({"client_id": "portal"}, NOW)
    for made_by, opened_by in ((ADDED, USED), (USED, ADDED)):
        sealed = PendingRequests(made_by.derived("pending")).seal(waiting)
        assert PendingRequests(opened_by.derived("pending")).open(sealed, NOW) == waiting
