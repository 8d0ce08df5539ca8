"""Two districts for trials: engines, services and the road between them, each of which a trial may harm by itself.

Everything is a child of this process on loopback addresses of its own, found and ended with it (tongban_local.guard).
No supervisor: a trial decides when what it killed comes back. The gateways are left out; the client of the trials calls
the services as the gateway does, with its rights.
"""

from __future__ import annotations

import random
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from courier.domain.registry import Member
from tongban_local.account import own, own_folder
from tongban_local.checkout import linked
from tongban_local.districts import chosen
from tongban_local.guard import Guard
from tongban_local.installation import Installation
from tongban_local.prepare import import_samples, prepare_databases
from tongban_local.processes import Child, wait_until
from tongban_local.programs import programs
from tongban_local.trust import Trust
from tongban_local.trust_install import install_trust

from tests.faults.road import Road
from tests.faults.service import READY_S, Service
from tests.faults.side import GUSU, HUANGPU, Side

BUILDS = Path(__file__).parent / "builds"


class RoadTrust(Trust):
    """The registry names the roads, not the listeners behind them."""

    def __init__(self, folder: Path, roads: Mapping[str, Road]) -> None:
        super().__init__(folder)
        self._roads = roads

    def _member(self, place: Installation, now: datetime) -> Member:
        return replace(super()._member(place, now), broker=self._roads[place.code].address)


@dataclass
class Rig:
    """Both districts, running."""

    folder: Path
    stack: ExitStack
    report: Callable[[str], None]
    sides: dict[str, Side] = field(default_factory=dict)
    roads: dict[str, Road] = field(default_factory=dict)

    @property
    def here(self) -> Side:
        """Gusu, where people ask."""
        return self.sides[GUSU]

    @property
    def there(self) -> Side:
        """Huangpu, which is handed what they ask."""
        return self.sides[HUANGPU]

    @property
    def builds(self) -> Path:
        return self.folder / "builds"

    def up(self) -> None:
        """Everything, once."""
        shutil.copytree(BUILDS, self.builds, ignore=shutil.ignore_patterns("__pycache__"))
        own(self.builds)
        offset = 10 * random.randrange(1, 9)
        facts = chosen((GUSU, HUANGPU))
        places = [Installation(self.folder, one, f"127.20.{one.n + offset}.1", admin=True) for one in facts]
        self.report("certificates, keys, engines")
        for place in places:
            self._begin(place)
        self.trust = RoadTrust(self.folder, self.roads)
        self.trust.sign(places)
        own(self.folder / "alliance")
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(self._prepare, self.sides.values()))
        self.report("services")
        self._introduce()
        self.as_usual()
        self.report("ready")

    def _begin(self, place: Installation) -> None:
        district, stack = place.district, self.stack
        road = self.roads[place.code] = Road(place.host, district.port("courier")).start()
        stack.callback(road.stop)
        district.write_engines()
        district.broker.start()
        stack.callback(district.broker.kill)
        district.database.start()
        stack.callback(district.database.stop)
        side = self.sides[place.code] = Side(self.builds, place)
        stack.callback(side.close)
        mail = next(program.command for program in programs(place) if program.command.name == "mail")
        sink = Child(mail, place.log("mail"))
        stack.callback(sink.stop)
        for service in side.services.values():
            stack.callback(service.kill)

    def _prepare(self, side: Side) -> None:
        prepare_databases(side.place)
        install_trust(side.place, self.trust)
        import_samples(side.place)
        side.place.district.wait_engines()

    def _introduce(self) -> None:
        """Huangpu's catalogue tells Gusu's what it offers; then it is not needed any more."""
        teller = Service(self.builds, self.there.place, "catalogue")
        self.stack.callback(teller.kill)
        started = [
            teller,
            *(side[name] for side in self.sides.values() for name in ("courier",)),
            self.here["catalogue"],
        ]
        for service in started:
            service.launch()
        known = "SELECT count(*) FROM items WHERE handling_district = %s"
        for service in started:
            service.wait_ready()
        wait_until(lambda: self.here.value("catalogue", known, HUANGPU) > 0, "Huangpu's items in Gusu", READY_S)
        time.sleep(1)
        teller.stop()
        for service in started[1:]:
            service.stop()

    # Between trials -----------------------------------------------------------------------------------------------------

    def as_usual(self) -> None:
        """Whatever was done to it: engines up, roads open, every service the product's own build, ready."""
        self._mend()
        for service in self.services:
            service.be()
        self.wait_ready()

    def revive(self) -> None:
        """What a trial left dead or stopped runs again, each in the build that it had."""
        self._mend()
        for service in self.services:
            if service.dead:
                service.again()
            service.thaw()
        self.wait_ready()

    def _mend(self) -> None:
        for road in self.roads.values():
            road.mend()
        for side in self.sides.values():
            side.place.district.wait_engines()

    @property
    def services(self) -> list[Service]:
        return [service for side in self.sides.values() for service in side.services.values()]

    def wait_ready(self) -> None:
        """Returns once every service is ready."""
        for service in self.services:
            service.wait_ready()

    def waiting(self) -> dict[str, int]:
        """What is still on its way in both districts."""
        return {what: n for side in self.sides.values() for what, n in side.waiting().items()}

    def settle(self, timeout_s: float = 60.0) -> None:
        """Waits until nothing is on its way and no number is missing: what a control lost comes after all, and is over."""
        wait_until(
            lambda: not self.waiting() and not any(map(_missing, self.sides.values())),
            "everything to settle",
            timeout_s,
        )

    def forget_the_settled(self) -> None:
        """Drops outbox rows of earlier trials, as their seventh day would: a wiped broker gets back what is of this trial."""
        for side in self.sides.values():
            for name in side.services:
                side.rows(name, "DELETE FROM outbox WHERE confirmed_at IS NOT NULL")

    def end_mail_leases(self) -> None:
        """As if the ten minutes were over for which a killed process has mails to itself."""
        self.here.rows("notification", "UPDATE deliveries SET due_at = now() WHERE state = 'waiting'")


def _missing(side: Side) -> bool:
    """Whether the courier of `side` knows of numbers that never came."""
    return bool(side.value("courier", "SELECT count(*) FROM arrival WHERE contiguous < greatest(highest, claimed)"))


@contextmanager
def running_rig(report: Callable[[str], None] = lambda _: None) -> Iterator[Rig]:
    """Two districts, up; everything of them ends with the block, or with this process however that ends."""
    folder = own_folder(linked("tests") / f"faults-{secrets.token_hex(3)}")
    with ExitStack() as stack:
        stack.callback(Guard(folder).release)
        rig = Rig(folder, stack, report)
        rig.up()
        yield rig
