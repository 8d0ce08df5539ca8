"""`python -m services.chassis.tests.stand_ins.ticker [say WORDS]`: a service with timers, and with a command of its own."""

import chassis.green  # noqa: F401, I001

import os
import sys
from pathlib import Path

import eventlet
from chassis.process import ChassisSettings
from chassis.runner import every, main
from services.chassis.tests.stand_ins.contract import CONTRACT


def note(text: str) -> None:
    with Path(os.environ["TONGBAN_JOURNAL"]).open("a") as journal:
        journal.write(text + "\n")


class TickerService:
    name = os.environ.get("TONGBAN_SERVICE_NAME", "echo")
    contract = CONTRACT

    @every(0.1)
    def slow(self):
        note("slow begins")
        eventlet.sleep(0.5)
        note("slow ends")

    @every(0.1)
    def failing(self):
        note("failing")
        raise ValueError("this timer fails")

    @every(0.1)
    def late(self):
        note("late")
        with eventlet.Timeout(0.05):
            eventlet.sleep(1)


def say(process, words):
    print(process.settings.district, *words)
    return 7


if __name__ == "__main__":
    sys.exit(main(TickerService, ChassisSettings, sys.argv[1:], {"say": say}))
