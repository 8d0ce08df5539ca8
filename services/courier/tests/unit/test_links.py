"""What operators see of a link: health is what canaries say, the connection stands beside it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from courier.domain.lights import Limits
from courier.domain.trust import Trust
from courier.usecases.list_links import list_links
from courier.usecases.ports import Connection, LinkRow, LinkState

from services.courier.tests.factories import GUSU, HUANGPU, NOW, a_registry

LIMITS = Limits(canary=timedelta(seconds=60))
QUIET = LinkRow(
    peer=HUANGPU, linked_since=NOW - timedelta(days=1), last_echo=NOW, round_trip_ms=3.0, clock_difference_ms=0.0,
    receipted=0, refused_by_peer=0, sent=0, received=0, refused_here=0, waiting=0, oldest_waiting=None, oldest_gap=None,
    oldest_unanswered=None, oldest_early=None, last_conflict=None, last_restore=None, last_receipt_differing=None,
    last_log_differing=None, last_quarantine=None,
)  # fmt: skip


class Reader:
    """One link's books."""

    def __init__(self, row: LinkRow) -> None:
        self.row = row

    def link_rows(self, unanswered_before: datetime) -> list[LinkRow]:
        return [self.row]


def seen(connection: Connection, *, echo_s: float | None = 0, limits: Limits = LIMITS):
    """The link, its last echo so many seconds ago."""
    row = replace(QUIET, last_echo=None if echo_s is None else NOW - timedelta(seconds=echo_s))
    (view,) = list_links(Reader(row), Trust(GUSU, a_registry()), limits, NOW, {HUANGPU: connection})
    return view


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("echo_s", "state"), [(0, LinkState.UP), (61, LinkState.UP), (89, LinkState.UP), (91, LinkState.DOWN)]
)
def test_a_link_is_not_up_once_the_canary_that_was_due_has_not_come_back(echo_s: float, state: LinkState) -> None:
    assert seen(Connection(connected=True), echo_s=echo_s).state is state


def test_a_link_without_a_connection_is_not_up_long_before_the_next_canary_is_due() -> None:
    lost = Connection(connected=False, since=ago(16))
    assert seen(lost, echo_s=20).state is LinkState.DOWN
    assert seen(lost, echo_s=20).no_connection_since == lost.since


def test_a_connection_that_comes_back_at_once_changes_no_state_and_is_shown_all_the_same() -> None:
    lost = Connection(connected=False, since=ago(3))
    view = seen(lost, echo_s=20)
    assert (view.state, view.connected, view.no_connection_since) == (LinkState.UP, False, lost.since)


def test_a_connection_alone_is_no_health() -> None:
    assert seen(Connection(connected=True), echo_s=3600).state is LinkState.DOWN
    assert seen(Connection(connected=True), echo_s=None).state is LinkState.NEW


def test_the_limit_follows_the_canarys_interval() -> None:
    quick = Limits(canary=timedelta(seconds=2))
    assert seen(Connection(connected=True), echo_s=4, limits=quick).state is LinkState.DOWN


def test_a_link_that_nobody_sends_on_has_no_connection() -> None:
    (view,) = list_links(Reader(QUIET), Trust(GUSU, a_registry()), LIMITS, NOW, {})
    assert (view.connected, view.no_connection_since) == (False, None)
