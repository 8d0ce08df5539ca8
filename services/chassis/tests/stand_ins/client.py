"""`python -m services.chassis.tests.stand_ins.client JSON`: makes calls as a service does and prints what became of each.

{"calls": [[service, method, text, seconds, timeout_s], …], "rounds": n}: all at once, one greenlet each, the outcomes in
order as one line; every further round after a line on standard input, which may be "once connected".
"""

import chassis.green  # noqa: F401, I001

import json
import os
import sys
import time
from typing import Any

from chassis.caller import RpcCaller
from chassis.errors import Fault
from chassis.green import spawn
from eventlet.greenio import GreenPipe
from services.chassis.tests.stand_ins.contract import Note

options = json.loads(sys.argv[1])
stdin = GreenPipe(sys.stdin)
caller = RpcCaller(os.environ["TONGBAN_AMQP_URL"], os.environ["TONGBAN_SERVICE_NAME"])
caller.start()
assert caller.wait_connected(10)
print("connected", flush=True)


def make(service: str, method: str, text: str, seconds: float, timeout_s: float) -> dict[str, Any]:
    began = time.monotonic()
    try:
        answer = caller.call(service, method, Note(text=text, seconds=seconds), Note, timeout_s=timeout_s)
        outcome = {"text": answer.text}
    except Fault as fault:
        outcome = {"code": fault.code, "kind": fault.kind.value, "message": fault.message, "details": fault.details}
    return {**outcome, "seconds": time.monotonic() - began}


for round_ in range(options.get("rounds", 1)):
    if round_ and stdin.readline().strip() == "once connected":
        assert caller.wait_connected(60)
    running = [spawn(make, *call) for call in options["calls"]]
    print(json.dumps([call.wait() for call in running]), flush=True)
caller.stop()
