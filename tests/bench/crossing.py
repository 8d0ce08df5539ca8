"""cross_district: from the application in Gusu to Huangpu's signed receipt in Gusu's courier, beside the same steps by hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from tests.bench.by_hand import Likeness, likeness, pack, session
from tests.bench.districts import HUANGPU, PEOPLE, Grounds, superuser_url
from tests.bench.intake import counted, rows_of_application
from tests.bench.line import Line
from tests.bench.processes import Spent
from tests.bench.rows import DURABLE, Aim, Progress, Row, durability, fitting, interleave, row

AIM, IDLE_AIM = Aim(to_floor=0.3), Aim(to_floor=4, less_is_better=True)
APPLICATIONS, IN_FLIGHT, WARM_UP = 300, 50, 60
IDLE, PAUSE_S = 10, 0.5
#: A run of ours is made to take about so long, if that many are not too many.
RUN_S = 20
#: An envelope's share of a control message: the receipt sealed (4/3 by base64) and the claims around it.
_CONTROL_OCTETS = 1500


@dataclass
class Crossing:
    """Applications that cross, and what was seen of them."""

    grounds: Grounds
    line: Line
    posted: list[float] = field(default_factory=list)
    receipted: list[float] = field(default_factory=list)
    #: Applications that the gateway asked to be repeated.
    repeated: int = 0
    #: Statements by which receipts were looked for, each a commit of its own.
    looks: int = 0
    #: Applications a second while it warmed up.
    warm: float = 0.0

    def __post_init__(self) -> None:
        self.spent = Spent(self.grounds.environment)

    def rate(self, applications: int, in_flight: int = IN_FLIGHT) -> float:
        """Applications a second until their receipts, with so many under way."""
        self._prepare()
        with self.spent.by(applications):
            told = self.line.ask("cross", applications, PEOPLE, in_flight)
        self.receipted += told["receipted_ms"]
        self.repeated, self.looks = told["repeated"], told["looks"]
        return applications / float(told["seconds"])

    def idle_ms(self, applications: int) -> float:
        """The median of applications one by one, each on idle districts."""
        self._prepare()
        told = self.line.ask("one", applications, PAUSE_S)
        self.posted += told["posted_ms"]
        return float(median(told["receipted_ms"]))

    def _prepare(self) -> None:
        self.grounds.quiet()
        self.line.ask("tokens", self.grounds.tokens())


@contextmanager
def crossing(grounds: Grounds) -> Iterator[Crossing]:
    """Warm."""
    with grounds.line(HUANGPU) as line:
        found = Crossing(grounds, line)
        found.warm = found.rate(WARM_UP)
        found.receipted.clear()
        found.spent = Spent(grounds.environment)
        yield found


def hand_options(grounds: Grounds) -> dict[str, Any]:
    """What the floor's driver is told: where everything is, and the rows that the latest application left on its way."""
    a, b = grounds.a, grounds.b
    number, cases = rows_of_application(a)
    subject = f"case/{number}"
    courier_a, courier_b = session(superuser_url(a, "courier")), session(superuser_url(b, "courier"))
    with courier_a.cursor() as here, courier_b.cursor() as there:
        here.execute(
            "SELECT s.id::text, s.receipt_id::text, length(l.jws) + length(b.jwe) FROM sent s"
            " JOIN sealed b USING (peer, id) JOIN log l ON l.seq = s.log_seq WHERE s.subject = %s AND s.opens <> ''",
            (subject,),
        )
        message, receipt, envelope = here.fetchone()
        sending = [
            *(likeness(here, table, "subject = %s", subject) for table in ("stream", "subject")),
            likeness(here, "log", "id = %s::uuid AND kind = 'sent'", message),
            *(likeness(here, table, "id = %s::uuid", message) for table in ("sent", "sealed")),
            Likeness("due", ("id", "peer", "due_at", "log_seq", "created_at"), ((message, b.code, None, None, None),)),
            likeness(here, "receipt", "id = %s::uuid", receipt),
            *(likeness(here, table, "true") for table in ("state", "sequence", "link")),
        ]
        there.execute("SELECT receipt_id::text FROM received WHERE id = %s::uuid", (message,))
        [given] = there.fetchone()
        there.execute("SELECT length(jws) FROM receipt WHERE id = %s::uuid", (given,))
        [receipt_octets] = there.fetchone()
        taking = [
            *(likeness(there, table, "id = %s::uuid", message) for table in ("log", "received", "outbox")),
            likeness(there, "subject", "subject = %s", subject),
            likeness(there, "receipt", "id = %s::uuid", given),
            *(likeness(there, table, "true") for table in ("state", "arrival")),
        ]
    courier_a.close()
    courier_b.close()
    [outbox] = [one for one in cases if one.table == "outbox"]
    bodies = [len(value) for one in outbox.rows for value in one if isinstance(value, bytes)]
    return {
        "a": grounds.amqp(a, "courier"),
        "b": grounds.amqp(b, "courier"),
        "a_bus": grounds.amqp(a),
        "cases": grounds.floor_database(a, "case_routing"),
        "courier_a": grounds.floor_database(a, "courier"),
        "courier_b": grounds.floor_database(b, "courier"),
        "rows": {"cases": pack(cases), "courier_a": pack(sending), "courier_b": pack(taking)},
        "number": number,
        "message": message,
        "octets": {"message": max(bodies), "envelope": envelope, "receipt": receipt_octets * 4 // 3 + _CONTROL_OCTETS},
        "counted": {"A, case_routing": counted(cases), "A, courier": counted(sending), "B, courier": counted(taking)},
    }


def measure(grounds: Grounds, progress: Progress, runs: int = 5, most: int = APPLICATIONS) -> list[Row]:
    with crossing(grounds) as ours:
        applications = fitting(ours.warm, RUN_S, most)
        grounds.quiet()
        options = hand_options(grounds)
        with Line("tests.bench.drivers.hand_crossing", options) as hand:
            hand.answer()
            hand.ask("cross", WARM_UP, PEOPLE, IN_FLIGHT)

            def by_hand() -> float:
                grounds.quiet()
                return applications / float(hand.ask("cross", applications, PEOPLE, IN_FLIGHT)["seconds"])

            def by_hand_idle() -> float:
                grounds.quiet()
                return float(median(hand.ask("one", IDLE, PAUSE_S)["receipted_ms"]))

            before = grounds.commits()
            looked = ours.looks
            loaded = interleave(
                {"ours": lambda: ours.rate(applications), "floor": by_hand}, runs, progress, minutes=2.5
            )
            pieces = applications * len(loaded["ours"])
            done = {way: n - before[way] for way, n in grounds.commits().items()}
            done["ours"] -= ours.looks - looked
            commits = {way: round(n / pieces, 1) for way, n in done.items()}
            idle = interleave(
                {"ours": lambda: ours.idle_ms(IDLE), "floor": by_hand_idle},
                runs,
                lambda text: progress(f"idle, {text}"),
                minutes=1.5,
            )
    idle_row = row(
        "cross_district_idle", idle, "ms", IDLE_AIM, note="p50 of one by one, on idle districts; less is better"
    )
    details = {
        "applications_a_run": applications,
        "in_flight": IN_FLIGHT,
        "commits_an_application": commits,
        "floor_commits_one_by_one": 5,
        "floor_confirmed_publishes_one_by_one": 2,
        "floor_unconfirmed_publishes_one_by_one": 1,
        "rows": options["counted"],
        "octets": options["octets"],
        "receipted_p50_ms_in_flight": round(median(ours.receipted), 1),
        "cpu_ms_an_application": ours.spent.found(),
        "repeated": ours.repeated,
        "idle_until_201_p50_ms": round(median(ours.posted), 1),
        **durability(options["cases"]),
    }
    note = (
        f"{DURABLE}; {PEOPLE} applicants at once, {IN_FLIGHT} applications under way; batches of at most 250 (relay) and"
        " 200 (courier) on both sides; the floor is plain AMQP; ours also does what follows a receipt, with OTLP on"
    )
    return [row("cross_district", loaded, "applications/s", AIM, note=note, details=details), idle_row]
