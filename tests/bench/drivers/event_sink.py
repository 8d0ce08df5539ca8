"""A service that handles those facts: one row a fact, in the transaction that holds its inbox row."""

import chassis.green  # noqa: F401, I001

import sys

from chassis.process import ChassisSettings
from chassis.runner import main
from chassis.subscriber import subscribe
from services.chassis.tests.stand_ins.contract import CONTRACT, Note


class SinkService:
    name, contract = "listener", CONTRACT

    @subscribe(Note)
    def on_note(self, event, delivery):
        delivery.connection.exec_driver_sql("INSERT INTO effect (number) VALUES (%s)", (int(event.text),))


if __name__ == "__main__":
    sys.exit(main(SinkService, ChassisSettings, sys.argv[1:]))
