"""same_key_again: clients that do not know whether they were heard, and ask again."""

from __future__ import annotations

import threading

from chassis.errors import Fault as Refused
from tongban.hotline.v1 import hotline_pb2 as hotline

from tests.faults.client import Line, Unanswered
from tests.faults.journal import Outcome, Wanted
from tests.faults.row import Case, Fault
from tests.faults.trial import Result, Trial

#: How many send each request at the same time, each over a connection of its own.
AT_ONCE = 3


def same_key_again(trial: Trial) -> Result:
    """Three ask the same at the same time and again when it is done; and a key comes back with another content."""
    rig = trial.rig
    if trial.control:
        rig.here["hotline"].be("no_keys")
        rig.here["case_routing"].be("no_keys")
        rig.wait_ready()
    client, journal = trial.ground.client, trial.journal
    first = trial.ask({"ticket": 18, "case": 16, "notice": 12}, at_once=4)
    attempts = list(journal)
    others = [client.begin(journal, attempts, at_once=4) for _ in range(AT_ONCE - 1)]
    for asking in (first, *others):
        asking.join()
    trial.over()
    _other_content(trial)
    again = client.begin(journal, attempts, at_once=6)
    return trial.finish(again)


def _other_content(trial: Trial) -> None:
    """The keys of tickets that were opened, with another content: refused, and nothing of it may be there."""
    used = [attempt for attempt in trial.journal if attempt.flow == "notice"][:8]
    changed = trial.journal.plan("notice", len(used), Wanted.NOTHING)
    client, line = trial.ground.client, Line(trial.rig.here)
    for before, attempt in zip(used, changed, strict=True):
        request = hotline.OpenTicketRequest(
            subject_line="咨询", body="别的内容", case_number=attempt.id, idempotency_key=f"{before.id}.o"
        )
        trial.journal.sending(attempt)
        try:
            line.call("hotline.open_ticket", request, hotline.Ticket, client.citizen)
        except (Refused, Unanswered) as error:
            trial.journal.heard(attempt, Outcome.FAILED, getattr(error, "code", "unanswered"))
        else:
            trial.journal.heard(attempt, Outcome.OK)
    threading.Thread(target=line.close, daemon=True).start()


FAULTS = [
    Fault(
        "same_key_again",
        "ticket, case, notice",
        {"": Case(same_key_again, "hotline and case_routing act on every request, whatever its key")},
        f"Every request is sent {AT_ONCE} times at once and once more afterwards; 8 keys a trial come back with another "
        "content and must be refused (they are among the attempts).",
    )
]
