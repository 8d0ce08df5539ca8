"""A service that tells facts: `echo` writes as many events as it is asked for, each in a transaction of its own."""

import chassis.green  # noqa: F401, I001

import sys

from chassis.green import spawn
from chassis.process import ChassisSettings, Wired
from chassis.rpc import SERVICE, rpc
from chassis.runner import main
from services.chassis.tests.stand_ins.contract import CONTRACT, Note


class SourceService:
    name, contract = "echo", CONTRACT
    process = Wired(lambda process: process)

    @rpc(allow=SERVICE)
    def echo(self, request, call):
        """`content`: as the event carries it; `text`: "<events> <at once>"."""
        events, at_once = map(int, request.text.split())
        writers = [spawn(self._write, first, events, at_once, request.content) for first in range(at_once)]
        for writer in writers:
            writer.wait()
        return Note(text=str(events))

    def _write(self, first, events, step, content):
        for number in range(first, events, step):
            with self.process.database.transaction() as connection:
                event = Note(text=str(number), content=content)
                self.process.outbox(connection).publish(event, subject=f"note/{number}", version=1)


if __name__ == "__main__":
    sys.exit(main(SourceService, ChassisSettings, sys.argv[1:]))
