"""intake: a complete application at the gateway until it is durable and numbered, beside one commit of the same rows."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from statistics import median

from tongban_local.installation import Installation

from tests.bench.by_hand import Likeness, NothingWritten, likeness, pack, session
from tests.bench.districts import GUSU, PEOPLE, Grounds, superuser_url
from tests.bench.line import Line
from tests.bench.processes import Spent
from tests.bench.rows import DURABLE, Aim, Progress, Row, durability, fitting, interleave, row

AIM = Aim(to_floor=0.25)
APPLICATIONS, WARM_UP = 400, 60
#: A run of ours is made to take about so long, if that many are not too many.
RUN_S = 8
#: What a case has beside its row; later acts add to it.
_OF_A_CASE = ("case_history", "case_material", "case_custody", "case_trace")


def rows_of_application(place: Installation) -> tuple[str, list[Likeness]]:
    """The latest application's number, and every row of the commit that took it in: not what later commits added."""
    connection = session(superuser_url(place, "case_routing"))
    with connection.cursor() as cursor:
        cursor.execute("SELECT number FROM cases ORDER BY submitted_at DESC LIMIT 1")
        [number] = cursor.fetchone()
        subject = f"case/{number}"
        cursor.execute("SELECT xmin::text, created_at FROM once WHERE answer = %s", (number.encode(),))
        transaction, began = cursor.fetchone()
        # Rows that are only added keep the transaction that added them; the relay's mark gives those of the outbox another.
        cursor.execute("SELECT min(known_at) FROM case_history WHERE number = %s AND known_at > %s", (number, began))
        [later] = cursor.fetchone()
        rows = [likeness(cursor, "cases", "number = %s", number)]
        for table in _OF_A_CASE:
            with suppress(NothingWritten):
                rows.append(likeness(cursor, table, "number = %s AND xmin::text = %s", number, transaction))
        rows.append(likeness(cursor, "once", "answer = %s", number.encode()))
        of_subject = "headers ->> 'cloudEvents:subject' = %s AND written_at < coalesce(%s, 'infinity'::timestamptz)"
        rows.append(likeness(cursor, "outbox", of_subject, subject, later))
        with suppress(NothingWritten):
            rows.append(likeness(cursor, "subject_sequence", "subject = %s", subject))
    connection.close()
    return number, rows


def counted(rows: Sequence[Likeness]) -> dict[str, int]:
    return {one.table: len(one.rows) for one in rows}


def measure(grounds: Grounds, progress: Progress, runs: int = 5, most: int = APPLICATIONS) -> list[Row]:
    with grounds.line(GUSU) as applying:
        applying.ask("apply", WARM_UP, PEOPLE)
        warm = applying.ask("apply", WARM_UP, PEOPLE)
        applications = fitting(WARM_UP / warm["seconds"], RUN_S, most)
        grounds.quiet()
        number, rows = rows_of_application(grounds.a)
        database = grounds.floor_database(grounds.a, "case_routing")
        with Line("tests.bench.drivers.hand_intake", {"database": database, "rows": pack(rows)}) as hand:
            hand.ask(number, WARM_UP, PEOPLE)
            posted: list[float] = []
            repeated = 0
            spent = Spent(grounds.environment)

            def ours() -> float:
                nonlocal repeated
                grounds.quiet()
                applying.ask("tokens", grounds.tokens())
                with spent.by(applications):
                    told = applying.ask("apply", applications, PEOPLE)
                posted.extend(told["posted_ms"])
                repeated = told["repeated"]
                return applications / float(told["seconds"])

            def floor() -> float:
                grounds.quiet()
                return applications / float(hand.ask(number, applications, PEOPLE))

            timings = interleave({"ours": ours, "floor": floor}, runs, progress, minutes=2.0)
    details = {
        "applications_a_run": applications,
        "commits_an_application": 1,
        "rows_in_the_commit": counted(rows),
        "repeated": repeated,
        "posted_p50_ms": round(median(posted), 1),
        "cpu_ms_an_application": spent.found(),
        **durability(database),
    }
    note = f"{DURABLE}; {PEOPLE} applicants at once, each on a kept connection; an item decided in the same district; OTLP on"
    return [row("intake", timings, "applications/s", AIM, note=note, details=details)]
