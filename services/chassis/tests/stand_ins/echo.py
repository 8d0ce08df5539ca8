"""`python -m services.chassis.tests.stand_ins.echo`: answers what it is asked, in every way that a service may.

Each run of `wait` leaves a line in the file TONGBAN_JOURNAL, so that a test can count runs.
"""

import chassis.green  # noqa: F401, I001

import os
import sys
from pathlib import Path

import eventlet
from chassis.errors import Fault
from chassis.process import ChassisSettings, Wired
from chassis.rpc import SERVICE, rpc
from chassis.runner import main
from chassis.subscriber import subscribe
from services.chassis.tests.stand_ins.contract import CONTRACT, Note
from tongban.case_routing.v1.case_routing_pb2 import CaseProgressed


class AlreadyClosed(Exception):
    """As a domain's own error looks."""

    code, kind = "echo.already_closed", "conflict"


class EchoService:
    name = os.environ.get("TONGBAN_SERVICE_NAME", "echo")
    contract = CONTRACT
    process = Wired(lambda process: process)

    @rpc(allow=SERVICE)
    def echo(self, request, call):
        return Note(text=request.text)

    @rpc(allow=SERVICE)
    def wait(self, request, call):
        with Path(os.environ["TONGBAN_JOURNAL"]).open("a") as journal:
            journal.write(request.text + "\n")
        eventlet.sleep(request.seconds)
        return Note(text=request.text)

    @subscribe(CaseProgressed)
    def on_case_progressed(self, event, delivery):
        with Path(os.environ["TONGBAN_JOURNAL"]).open("a") as journal:
            journal.write(event.number + "\n")
        raise ValueError("this handler fails")

    @rpc(allow=SERVICE)
    def forward(self, request, call):
        """Calls `wait` of another service, which is named before the colon."""
        service, _, text = request.text.partition(":")
        return self.process.caller.call(service, "wait", Note(text=text, seconds=request.seconds), Note, timeout_s=30)

    @rpc(allow=SERVICE)
    def fail(self, request, call):
        if request.text == "domain":
            raise AlreadyClosed("It is closed.")
        raise Fault("echo.not_found", "not_found", "There is none.", {"field": "text"})

    @rpc(allow=SERVICE)
    def crash(self, request, call):
        raise ZeroDivisionError("the inside of a defect")

    @rpc(allow=SERVICE)
    def mislead(self, request, call):
        return "not a message"

    @rpc(allow=("clerk",))
    def for_clerks(self, request, call):
        return Note(text=call.actor.subject)

    @rpc(allow=SERVICE)
    def who_am_i(self, request, call):
        return Note(text=f"{call.caller} {call.actor.subject if call.actor else '-'}")


if __name__ == "__main__":
    sys.exit(main(EchoService, ChassisSettings, sys.argv[1:]))
