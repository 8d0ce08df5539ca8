"""The same echo as a stock nameko service; started as the nameko runner starts one."""

import eventlet

eventlet.monkey_patch()

import json  # noqa: E402
import os  # noqa: E402
import sys  # noqa: E402

from eventlet import patcher  # noqa: E402
from nameko.amqp.publish import Publisher  # noqa: E402
from nameko.constants import NON_PERSISTENT  # noqa: E402
from nameko.rpc import rpc  # noqa: E402
from nameko.runners import ServiceRunner  # noqa: E402

Publisher.delivery_mode = NON_PERSISTENT  # as ours: nothing that a call needs outlives its caller


class EchoService:
    name = "echo"

    @rpc
    def echo(self, request):
        return {"text": request["text"]}


def end_with_input():
    sys.stdin.read()
    os._exit(0)


runner = ServiceRunner({"AMQP_URI": json.loads(sys.stdin.readline()), "max_workers": 50, "serializer": "json"})
runner.add_service(EchoService)
runner.start()
patcher.original("threading").Thread(target=end_with_input, daemon=True).start()
print(json.dumps("ready"), flush=True)
runner.wait()
