"""Applies at a district's gateway over HTTPS, each applicant on a connection that stays open.

Options: {"host", "port", "authority", "application", "tokens", "cases", "courier"}; the last two are the databases where it is looked
for the peer's receipts. Questions:
["apply", count, at once]                 all are sent, each until its 201
["cross", count, at once, in flight]      and until the peer's receipt is stored; so many may be under way
["one", count, pause in seconds]          one after the other, each until its receipt
["tokens", [...]]                         fresh ones
An answer has "seconds", "repeated" (how many applications had to be, so far), "looks" (statements that looked for receipts, so far)
and, by application, "posted_ms" and "receipted_ms".
"""

import http.client
import json
import ssl
import sys
import threading
import time
from collections.abc import Callable
from itertools import count
from typing import Any
from uuid import uuid4

from tests.bench.by_hand import in_thread, session

options = json.loads(sys.stdin.readline())
tls = ssl.create_default_context(cafile=options["authority"])
BODY = json.dumps(options["application"]).encode()
#: How often receipts are looked for, under load and one by one; a look costs the database that is measured, so not more often
#: than the answer needs: some hundredths of what an application takes.
LOOK_S, LOOK_CLOSELY_S = 0.05, 0.004
TRIES, REPEAT_S = 5, 0.2
#: When an application had to be repeated, under the same idempotency key.
repeated: list[float] = []
#: One for each statement that looked for receipts: none of the product's.
looks: list[str] = []
_RECEIPTED = """SELECT sent.id::text FROM sent JOIN receipt ON receipt.id = sent.receipt_id
    WHERE sent.id = ANY(%s::uuid[]) AND state = 'receipted'"""


class Applicant:
    """One person on one connection."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._http = http.client.HTTPSConnection(options["host"], options["port"], context=tls, timeout=60)

    def connect(self) -> None:
        self._http.close()
        self._http.connect()

    def apply(self) -> str:
        """The number of the case; what is not answered in time is repeated, as the API says. Raises RuntimeError."""
        tokens = options["tokens"]
        headers = {
            "Authorization": f"Bearer {tokens[self._number % len(tokens)]}",
            "Content-Type": "application/json",
            "Idempotency-Key": str(uuid4()),
        }
        for _ in range(TRIES):
            self._http.request("POST", "/v1/cases", BODY, headers)
            answer = self._http.getresponse()
            said = answer.read()
            if answer.status == 201:
                return str(json.loads(said)["number"])
            if answer.status != 503:
                break
            repeated.append(time.time())
            time.sleep(REPEAT_S)
        raise RuntimeError(f"{answer.status} {said[:300]!r}")


class Receipts:
    """The peer's receipts for applications, as they are stored here; looked up by key, so that looking costs little."""

    def __init__(self) -> None:
        self._cases, self._courier = (session(options[name]) for name in ("cases", "courier"))
        self._cases.autocommit = self._courier.autocommit = True
        #: Numbers of cases, by the courier message that offers them.
        self._open: dict[str, str] = {}

    def fresh(self, posted: list[str]) -> list[str]:
        """The numbers of cases receipted since the last look, which did not know of `posted` yet."""
        if posted:
            self._open |= dict(
                self._asked(self._cases, "SELECT offer_id, number FROM cases WHERE number = ANY(%s)", posted)
            )
        if not self._open:
            return []
        rows = self._asked(self._courier, _RECEIPTED, list(self._open))
        return [self._open.pop(id) for (id,) in rows]

    @staticmethod
    def _asked(connection: Any, question: str, names: list[str]) -> list[tuple]:
        looks.append(question)
        with connection.cursor() as cursor:
            cursor.execute(question, (names,))
            return cursor.fetchall()

    def close(self) -> None:
        self._cases.close()
        self._courier.close()


applicants: list[Applicant] = []


def people(at_once: int) -> list[Applicant]:
    """Connected: the gateway has hung up on whoever was silent since the last run."""
    while len(applicants) < at_once:
        applicants.append(Applicant(len(applicants)))
    for applicant in applicants[:at_once]:
        applicant.connect()
    return applicants[:at_once]


class Run:
    """Some applications by several applicants at once; `window` bounds those under way."""

    def __init__(self, wanted: int, window: int) -> None:
        self._left, self._lock = count(), threading.Lock()
        self._wanted, self._window = wanted, threading.Semaphore(window)
        self.begun: dict[str, float] = {}
        self.posted: list[float] = []
        self.fresh: list[str] = []
        self.ended: dict[str, float] = {}
        self.failure: BaseException | None = None

    def work(self, applicant: Applicant) -> None:
        try:
            while next(self._left) < self._wanted:
                self._window.acquire()
                began = time.perf_counter()
                number = applicant.apply()
                with self._lock:
                    self.begun[number] = began
                    self.fresh.append(number)
                    self.posted.append(time.perf_counter() - began)
        except BaseException as error:
            self.failure = error

    def new(self) -> list[str]:
        """Numbers given since the last time."""
        with self._lock:
            found, self.fresh = self.fresh, []
        return found

    def note(self, numbers: list[str]) -> None:
        for number in numbers:
            self.ended[number] = time.perf_counter()
            self._window.release()

    def check(self) -> None:
        if self.failure is not None:
            raise self.failure


def apply(wanted: int, at_once: int) -> dict:
    run, ready = Run(wanted, wanted), people(at_once)
    began = time.perf_counter()
    for thread in [in_thread(run.work, applicant) for applicant in ready]:
        thread.join()
    run.check()
    return {"seconds": time.perf_counter() - began, "posted_ms": milliseconds(run.posted)}


def cross(wanted: int, at_once: int, in_flight: int) -> dict:
    run, receipts, ready = Run(wanted, in_flight), Receipts(), people(at_once)
    began = time.perf_counter()
    for applicant in ready:
        in_thread(run.work, applicant)
    while len(run.ended) < wanted:
        run.check()
        if time.perf_counter() - began > 300:
            raise RuntimeError(f"{len(run.ended)} of {wanted} were receipted in five minutes")
        run.note(receipts.fresh(run.new()))
        time.sleep(LOOK_S)
    seconds = time.perf_counter() - began
    receipts.close()
    if run.begun.keys() != run.ended.keys():
        raise RuntimeError("receipts and applications are not the same")
    took = [run.ended[number] - run.begun[number] for number in run.ended]
    return {"seconds": seconds, "posted_ms": milliseconds(run.posted), "receipted_ms": milliseconds(took)}


def one(wanted: int, pause_s: float) -> dict:
    posted, receipted, receipts = [], [], Receipts()
    first = time.perf_counter()
    for _ in range(wanted):
        time.sleep(pause_s)
        [applicant] = people(1)
        began = time.perf_counter()
        number = applicant.apply()
        posted.append(time.perf_counter() - began)
        posted_now = [number]
        while not receipts.fresh(posted_now):
            posted_now = []
            if time.perf_counter() - began > 60:
                raise RuntimeError(f"{number} was not receipted in a minute")
            time.sleep(LOOK_CLOSELY_S)
        receipted.append(time.perf_counter() - began)
    receipts.close()
    seconds = time.perf_counter() - first
    return {"seconds": seconds, "posted_ms": milliseconds(posted), "receipted_ms": milliseconds(receipted)}


def milliseconds(values: list[float]) -> list[float]:
    return [round(1000 * value, 2) for value in values]


def renew(tokens: list[str]) -> dict:
    options["tokens"] = tokens
    return {}


DEEDS: dict[str, Callable[..., dict]] = {"apply": apply, "cross": cross, "one": one, "tokens": renew}
for line in sys.stdin:
    deed, *arguments = json.loads(line)
    print(json.dumps({**DEEDS[deed](*arguments), "repeated": len(repeated), "looks": len(looks)}), flush=True)
