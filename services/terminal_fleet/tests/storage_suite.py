"""What every storage of the terminal fleet promises; run against the fake (unit) and PostgreSQL (component)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from chassis.paging import Wish
from terminal_fleet.domain.errors import KeyTaken
from terminal_fleet.domain.model import Health, Placement

from .factories import GUSU, HUANGPU, NOW, kiosk


class StorageSuite:
    """A subclass gives the fixture `work`: an empty storage of Huangpu."""

    @pytest.fixture
    def work(self):
        raise NotImplementedError

    def test_what_is_saved_is_read_back_whole(self, work) -> None:
        saved = kiosk(
            placement=Placement.DECLINED,
            placement_reason="no room",
            health=Health.ONLINE,
            last_heartbeat_at=NOW,
            sequence=7,
            software_version="4.0.1",
            attention="x",
            key_thumbprint="t",
            offer_id="y",
        )
        work.kiosks.save(saved)
        assert work.kiosks.get(saved.id) == saved
        assert work.kiosks.get_for_change(saved.id) == saved

    def test_an_unknown_id_is_none(self, work) -> None:
        assert work.kiosks.get("nothing") is None
        assert work.kiosks.get_for_change("nothing") is None

    def test_saving_again_replaces(self, work) -> None:
        first = kiosk()
        work.kiosks.save(first)
        second = first.changed(name="renamed")
        work.kiosks.save(second)
        assert work.kiosks.get(first.id) == second

    def test_a_list_goes_by_id_and_a_page_starts_after_the_last_seen(self, work) -> None:
        ids = sorted(kiosk(n).id for n in range(5))
        for n in range(5):
            work.kiosks.save(kiosk(n))
        assert [each.id for each in work.kiosks.list(Wish(2))] == ids[:3]
        assert [each.id for each in work.kiosks.list(Wish(2, (ids[1],)))] == ids[2:]
        assert work.kiosks.list(Wish(2, (ids[-1],))) == []

    def test_those_that_may_have_fallen_silent_are_own_ones_online_with_an_old_heartbeat_oldest_first(
        self, work
    ) -> None:
        def seen(n: int, seconds: int, **changes):
            at = NOW - timedelta(seconds=seconds)
            each = kiosk(n, **({"health": Health.ONLINE, "last_heartbeat_at": at} | changes))
            work.kiosks.save(each)
            return each

        old, older = seen(1, 100), seen(2, 200)
        seen(3, 50)
        seen(4, 100, health=Health.SILENT)
        seen(5, 100, owner=GUSU, host=HUANGPU, district=HUANGPU)
        work.kiosks.save(kiosk(6))
        before = NOW - timedelta(seconds=90)
        assert [each.id for each in work.kiosks.online_before(before, 9)] == [older.id, old.id]
        assert [each.id for each in work.kiosks.online_before(before, 1)] == [older.id]

    def test_a_key_belongs_to_one_kiosk(self, work) -> None:
        first = kiosk(1, key_thumbprint="t")
        assert work.kiosks.holder_of("t") is None
        work.kiosks.save(first)
        work.kiosks.save(first.changed(name="renamed"))
        assert work.kiosks.holder_of("t") == first.id
        with pytest.raises(KeyTaken):
            work.kiosks.save(kiosk(2, key_thumbprint="t"))

    def test_kiosks_whose_key_is_not_known_stand_side_by_side(self, work) -> None:
        for n in range(2):
            work.kiosks.save(kiosk(n))
        assert len(work.kiosks.list(Wish(9))) == 2

    def test_a_peer_is_known_once_it_was_added_however_often(self, work) -> None:
        assert not work.peers.has(GUSU)
        work.peers.add(GUSU)
        work.peers.add(GUSU)
        assert work.peers.has(GUSU)
        assert not work.peers.has(HUANGPU)
