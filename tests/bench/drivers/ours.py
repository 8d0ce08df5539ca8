"""Calls `echo.echo` through the chassis's caller, `window` at once; JSON on standard output, one line a burst asked for."""

import chassis.green  # noqa: F401, I001

import json
import sys
import time

from chassis import telemetry
from chassis.caller import RpcCaller
from chassis.green import spawn
from services.chassis.tests.stand_ins.contract import Note

options = json.loads(sys.stdin.readline())
telemetry.configure("driver", "320508", options["otlp_endpoint"])
caller = RpcCaller(options["amqp_url"], "driver")
caller.start()
caller.wait_connected(10)
TEXT = "x" * 64


def work(count: int) -> None:
    for _ in range(count):
        assert caller.call("echo", "echo", Note(text=TEXT), Note, timeout_s=30).text == TEXT


for line in sys.stdin:
    window, calls = json.loads(line)
    began = time.perf_counter()
    for worker in [spawn(work, calls // window) for _ in range(window)]:
        worker.wait()
    print(json.dumps(calls / (time.perf_counter() - began)), flush=True)
caller.stop()
telemetry.flush(5.0)
