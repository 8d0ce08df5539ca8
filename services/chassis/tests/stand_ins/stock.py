"""`python -m services.chassis.tests.stand_ins.stock`: the same service as nameko comes, to show what it does with messages."""

from __future__ import annotations

import warnings

warnings.filterwarnings("ignore")  # the versions it was last released with deprecate much of it

import eventlet  # noqa: E402

eventlet.monkey_patch()

import logging  # noqa: E402
import os  # noqa: E402
import signal  # noqa: E402
import sys  # noqa: E402

from nameko.events import EventDispatcher, event_handler  # noqa: E402
from nameko.rpc import RpcProxy, rpc  # noqa: E402
from nameko.runners import ServiceRunner  # noqa: E402


def note(text: str) -> None:
    with open(os.environ["TONGBAN_JOURNAL"], "a") as journal:  # noqa: PTH123
        journal.write(text + "\n")


class Server:
    """A service that only answers."""

    name = os.environ["TONGBAN_SERVICE_NAME"]

    @rpc
    def wait(self, request):
        note(request["text"])
        eventlet.sleep(request["seconds"])
        return request


class StockService(Server):
    """A service that also calls, tells and listens."""

    other = RpcProxy("gone")
    dispatch = EventDispatcher()

    @rpc
    def echo(self, request):
        return request

    @rpc
    def forward(self, request):
        note("forwarding")
        return self.other.wait(request)

    @rpc
    def tell(self, request):
        self.dispatch("nobody_listens", request)
        return request

    @event_handler("stock_source", "happened")
    def on_happened(self, event):
        note(event["text"])
        raise ValueError("this handler fails")


logging.basicConfig(level=logging.INFO, stream=sys.stdout)
runner = ServiceRunner({"AMQP_URI": os.environ["TONGBAN_AMQP_URL"], "max_workers": 20})
runner.add_service({"Server": Server}.get(os.environ.get("STOCK", ""), StockService))
# As nameko's own command line does it.
signal.signal(signal.SIGTERM, lambda *_: eventlet.spawn_n(runner.stop))
runner.start()
print("serving", flush=True)
while True:
    try:
        runner.wait()
        break
    except InterruptedError:
        continue
