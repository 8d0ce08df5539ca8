"""The support itself: what a component test is promised, and that a test run leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tongban_local.checkout import ROOT
from tongban_local.processes import belonging_to, wait_until

from tests.support.engines import Engines

#: Starts engines, says where, and waits to be ended.
RUN = """
import time
from tests.support.engines import running_engines
with running_engines() as engines:
    print(engines.district.mark, flush=True)
    time.sleep(600)
"""


def test_a_component_test_gets_an_empty_broker_with_every_queue(broker: Engines) -> None:
    assert {broker.depth(queue) for queue in broker.queues()} == {0}


def test_a_fresh_database_is_migrated_and_shares_nothing_with_the_one_before(engines: Engines) -> None:
    first, second = engines.fresh_database("catalogue"), engines.fresh_database("catalogue")
    assert first.name != second.name
    assert {first.name, second.name} <= engines.district.database.databases()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "SIGKILL"])
def test_a_test_run_that_is_ended_leaves_no_process_and_no_file(number: signal.Signals) -> None:
    run = subprocess.Popen(
        [sys.executable, "-c", RUN],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        # A shell starts what it puts into the background with SIGINT ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509  no threads here
    )
    assert run.stdout is not None
    folder = Path(run.stdout.readline().strip())
    assert belonging_to(folder)
    os.kill(run.pid, number)
    run.wait(60)
    run.stdout.close()
    wait_until(lambda: not belonging_to(folder) and not folder.exists(), f"the end of {folder}", 30)
