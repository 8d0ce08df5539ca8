"""A service as a process: its settings, its pages, its timers, its end, and what it does while something is away."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from tongban_local.checkout import ROOT
from tongban_local.ports import free_port

from services.chassis.tests.component.conftest import Proc, Sender, StartProc, wait_consumer, wait_for
from tests.support.engines import Engines, ServiceDatabase
from tests.support.freeze import freeze


@pytest.fixture
def health(engines: Engines) -> str:
    return f"{engines.district.host}:{free_port(engines.district.host)}"


def get(health: str, page: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://{health}{page}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def not_ready(health: str) -> list[str]:
    return json.loads(get(health, "/readyz")[1])["not_ready"]


def run(*argv: str, module: str = "echo", **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", f"services.chassis.tests.stand_ins.{module}", *argv]
    return subprocess.run(command, check=False, env=environ, cwd=ROOT, capture_output=True, text=True, timeout=30)


def environ(engines: Engines, database: ServiceDatabase, journal: Path, **extra: str) -> dict[str, str]:
    settings = engines.district.service_environ("echo")
    return {
        **settings,
        "TONGBAN_DATABASE_URL": database.url,
        "TONGBAN_JOURNAL": str(journal),
        "PYTHONPATH": str(ROOT),
        **extra,
    }


def test_settings_that_are_missing_or_wrong_are_all_named_before_anything_starts() -> None:
    done = run(
        PYTHONPATH=str(ROOT),
        PATH=os.environ["PATH"],
        TONGBAN_MAX_WORKERS="many",
        TONGBAN_DISTRICT="320508",
        TONGBAN_INBOX_KEEP_DAYS="37",
        TONGBAN_TRANSIT_KEY="c2hvcnQ=",
    )
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    named = {line.partition(":")[0] for line in lines}
    assert {"TONGBAN_AMQP_URL", "TONGBAN_DATABASE_URL", "TONGBAN_FIELD_KEY", "TONGBAN_MAX_WORKERS"} <= named
    assert "TONGBAN_TRANSIT_KEY" in named
    assert "c2hvcnQ" not in done.stderr
    assert "TONGBAN_DISTRICT" not in named
    assert "TONGBAN_INBOX_KEEP_DAYS: must be at least 38" in lines, "a message may come again for 37 days"


def test_a_method_that_the_contract_does_not_have_keeps_the_service_from_starting(
    engines: Engines, echo_database: ServiceDatabase, journal: Path
) -> None:
    script = """
import chassis.green
import sys
from chassis.process import ChassisSettings
from chassis.rpc import SERVICE, rpc
from chassis.runner import main
from services.chassis.tests.stand_ins.contract import CONTRACT
class EchoService:
    name, contract = "echo", CONTRACT
    @rpc(allow=SERVICE)
    def not_in_the_contract(self, request, call): ...
sys.exit(main(EchoService, ChassisSettings, []))
"""
    command, settings = [sys.executable, "-c", script], environ(engines, echo_database, journal)
    done = subprocess.run(command, check=False, env=settings, cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert "has no method for not_in_the_contract" in done.stdout


def test_words_it_does_not_know_are_refused(engines: Engines, echo_database: ServiceDatabase, journal: Path) -> None:
    assert run("run", "fast", **environ(engines, echo_database, journal)).returncode == 2
    assert run("fly", **environ(engines, echo_database, journal)).returncode == 2


def test_a_service_may_have_commands_of_its_own(
    engines: Engines, echo_database: ServiceDatabase, journal: Path
) -> None:
    done = run("say", "hello", "--loud", module="ticker", **environ(engines, echo_database, journal))
    assert (done.returncode, done.stdout.strip()) == (7, "320508 hello --loud")


def test_timers_never_run_beside_themselves_and_go_on_after_errors(
    start: StartProc, journal: Path, health: str
) -> None:
    process = start("ticker", TONGBAN_HEALTH_ADDRESS=health)
    wait_for(lambda: journal.read_text().count("slow ends") >= 3, "three runs")
    lines = journal.read_text().splitlines()
    slow = [line for line in lines if line.startswith("slow")]
    assert slow[: len(slow) // 2 * 2] == ["slow begins", "slow ends"] * (len(slow) // 2)
    assert lines.count("failing") >= 3
    assert lines.count("late") >= 3
    metrics = get(health, "/metrics")[1]
    assert any("echo.failing" in line and 'outcome="error"' in line for line in metrics.splitlines())
    assert any("echo.slow" in line and 'outcome="ok"' in line for line in metrics.splitlines())
    assert "this timer fails" in process.output
    process.signal(signal.SIGTERM)
    assert process.ended() == 0


def test_a_service_forgets_what_is_too_old_to_come_again_in_as_many_batches_as_it_takes(
    start: StartProc, echo_database: ServiceDatabase
) -> None:
    def rows(statement: str) -> list[tuple[int]]:
        with closing(psycopg2.connect(echo_database.owner_url.replace("+psycopg2", ""))) as owner, owner:
            cursor = owner.cursor()
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    rows(
        "INSERT INTO inbox (handler, source, id, handled_at)"
        " SELECT 'h', 's', n::text, now() - interval '1 day' * n / 10 FROM generate_series(1, 1600) n"
    )
    rows("INSERT INTO once (scope, key, digest, created_at) VALUES ('s', 'k', 'd', now() - interval '31 days')")
    start("echo")
    wait_for(lambda: rows("SELECT count(*) FROM inbox") == [(449,)], "all that is 45 days old to go")
    assert rows("SELECT count(*) FROM once") == [(0,)]
    rows("TRUNCATE inbox, once")


def test_an_idle_process_ends_at_once_at_sigterm(start: StartProc, engines: Engines) -> None:
    process = start("echo")
    wait_consumer(engines, "rpc-echo")
    time.sleep(1.5)  # nothing left that would wake it by chance
    began = time.monotonic()
    process.signal(signal.SIGTERM)
    assert process.ended() == 0
    assert time.monotonic() - began < 4


def test_what_takes_longer_than_the_drain_time_is_answered_and_not_run_again(
    start: StartProc, engines: Engines, front: Sender, journal: Path
) -> None:
    process = start("echo", TONGBAN_DRAIN_S="1", TONGBAN_MAX_WORKERS="2")
    wait_consumer(engines, "rpc-echo")
    calls = [front.send("echo.wait", {"text": str(number), "seconds": 60}) for number in range(5)]
    wait_for(lambda: len(journal.read_text().split()) == 2, "two to run and three to wait")
    process.signal(signal.SIGTERM)
    for call in calls[:2]:
        answer = front.answer(call)
        assert answer is not None
        assert answer["error"]["code"] == "rpc.stopped"
    process.ended(15)
    wait_for(lambda: engines.depth("rpc-echo") == 3, "those not begun to be back in the queue")


def test_it_ends_in_time_though_the_broker_says_nothing(start: StartProc, engines: Engines) -> None:
    process = start("echo", TONGBAN_DRAIN_S="1")
    wait_consumer(engines, "rpc-echo")
    pid = int((engines.district.broker.folder / "pid").read_text())
    freeze(pid)
    try:
        process.signal(signal.SIGTERM)
        process.ended(40)
    finally:
        os.kill(pid, signal.SIGCONT)


def test_a_broker_that_is_away_is_named_by_readiness_and_ends_nothing(
    start: StartProc, engines: Engines, health: str, front: Sender
) -> None:
    process = start("echo", TONGBAN_HEALTH_ADDRESS=health)
    wait_for(lambda: get(health, "/readyz")[0] == 200, "the service to be ready")
    engines.district.broker.kill()
    wait_for(lambda: not_ready(health) == ["broker"], "the loss to be told")
    assert get(health, "/livez")[0] == 200
    time.sleep(2)
    assert process.alive
    engines.district.broker.start()
    engines.district.wait_engines()
    wait_for(lambda: get(health, "/readyz")[0] == 200, "it to be ready again by itself", 25)
    fresh = Sender(engines.amqp_url("front"), "front")
    assert fresh.call("echo.echo", {"text": "back"})["result"] == {"text": "back"}
    fresh.close()


def test_it_starts_though_nothing_it_needs_is_there_yet(start: StartProc, engines: Engines, health: str) -> None:
    host = engines.district.host
    nowhere = f"{host}:{free_port(host)}"
    process = start(
        "echo",
        TONGBAN_HEALTH_ADDRESS=health,
        TONGBAN_AMQP_URL=f"amqp://echo:secret-word@{nowhere}/district",
        TONGBAN_DATABASE_URL=f"postgresql+psycopg2://echo:secret-word@{nowhere}/echo",
    )
    wait_for(lambda: not_ready(health) == ["broker", "database"], "both to be named")
    time.sleep(1)
    assert process.alive
    assert "secret-word" not in process.output


def test_one_trace_runs_through_every_service_that_a_call_reaches(
    start: StartProc, engines: Engines, front: Sender, spans: tuple[str, Callable[[], list[Any]]]
) -> None:
    url, received = spans
    start("echo", TONGBAN_OTLP_ENDPOINT=url)
    start("echo", "other", TONGBAN_SERVICE_NAME="other", TONGBAN_OTLP_ENDPOINT=url)
    wait_consumer(engines, "rpc-echo")
    wait_consumer(engines, "rpc-other")
    trace_id, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    answer = front.call("echo.forward", {"text": "other:x"}, headers={"traceparent": f"00-{trace_id}-{parent}-01"})
    assert answer["error"] is None
    wait_for(lambda: len(received()) >= 3, "three spans")
    found = {span.name: span for span in received()}
    assert set(found) == {"serve echo.forward", "call other.wait", "serve other.wait"}
    assert {span.trace_id.hex() for span in found.values()} == {trace_id}
    assert found["serve echo.forward"].parent_span_id.hex() == parent
    assert found["call other.wait"].parent_span_id == found["serve echo.forward"].span_id
    assert found["serve other.wait"].parent_span_id == found["call other.wait"].span_id


def test_timed_work_of_which_nothing_came_leaves_no_span(
    start: StartProc, journal: Path, spans: tuple[str, Callable[[], list[Any]]]
) -> None:
    url, received = spans
    process = start("ticker", TONGBAN_OTLP_ENDPOINT=url)
    wait_for(lambda: journal.read_text().count("slow ends") >= 3, "three runs in which nothing went wrong")
    process.signal(signal.SIGTERM)
    assert process.ended() == 0
    assert {span.name for span in received()} == {"run echo.failing", "run echo.late"}, "only those that failed"


def test_what_was_given_up_on_is_listed_given_back_and_dropped_by_command(
    echo: Proc, engines: Engines, echo_database: ServiceDatabase, journal: Path
) -> None:
    with engines.channel() as channel:
        channel.basic_publish("case_routing.events", "CaseProgressed", b"no headers at all")
    wait_for(lambda: engines.depth("park.echo") == 1, "the event to be parked")
    settings = environ(engines, echo_database, journal, TONGBAN_RETRY_LADDER="1,60")
    listed = run("parking", "list", **settings)
    assert listed.returncode == 0, listed.stderr
    assert json.loads(listed.stdout)["reason"] == "event.headers_missing"
    replayed = run("parking", "replay", **settings)
    assert replayed.returncode == 0, replayed.stderr
    assert json.loads(replayed.stdout)["moved"] == 1
    wait_for(lambda: engines.depth("park.echo") == 1, "it to fail again, and be parked again")
    (told,) = run("parking", "list", **settings).stdout.splitlines()
    nameless = json.loads(told)["id"]
    assert run("parking", "drop", nameless, **settings).returncode == 2, "a reason must be given"
    assert run("parking", "drop", "unheard", "--reason", "no", **settings).returncode == 1
    dropped = run("parking", "drop", nameless, "--reason", "sent by hand, without headers", **settings)
    assert (dropped.returncode, json.loads(dropped.stdout)) == (0, {"dropped": 1})
    assert "sent by hand, without headers" in dropped.stderr, "the log line"
    assert engines.depth("park.echo") == 0
