"""The same echo as a stock nameko service; started as the nameko runner starts one."""

import eventlet

eventlet.monkey_patch()

import json  # noqa: E402
import sys  # noqa: E402

from nameko.rpc import rpc  # noqa: E402
from nameko.runners import ServiceRunner  # noqa: E402


class EchoService:
    name = "echo"

    @rpc
    def echo(self, request):
        return {"text": request["text"]}


runner = ServiceRunner({"AMQP_URI": sys.argv[1], "max_workers": 50, "serializer": "json"})
runner.add_service(EchoService)
runner.start()
print(json.dumps("ready"), flush=True)
runner.wait()
