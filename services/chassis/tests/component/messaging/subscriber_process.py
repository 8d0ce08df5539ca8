"""A service process with two handlers of events, whose behaviour the events themselves ask for (`CaseProgressed.event`)."""

import chassis.green  # noqa: F401, I001

import json
import os
import signal
import sys
from types import SimpleNamespace

import eventlet
from chassis import logs
from chassis.clock import SystemClock, new_id
from chassis.database import Database
from chassis.errors import Fault, Kind
from chassis.process import PROCESS
from chassis.sealed import TransitSeal
from chassis.subscriber import Delivery, subscribe
from chassis.telemetry import current_trace_id, exposition
from nameko.containers import ServiceContainer
from tongban.case_routing.v1.case_routing_pb2 import CaseProgressed, HandOverOffered

options = json.loads(sys.argv[1])
_EFFECT = "INSERT INTO effects (handler, number, event, attempt) VALUES (%s, %s, %s, %s)"


class NotificationService:
    name = "notification"

    @subscribe(CaseProgressed, where=lambda event: event.event != "no concern of ours")
    def on_case_progressed(self, event: CaseProgressed, delivery: Delivery) -> None:
        act, _, value = event.event.partition(":")
        said = f"trace:{current_trace_id()}" if act == "trace" else event.event
        row = ("on_case_progressed", event.number, said, delivery.attempt)
        delivery.connection.exec_driver_sql(_EFFECT, row)
        if act == "defect":
            raise KeyError("310101199001011234")
        if act == "rule":
            raise Fault("notification.no_template", Kind.CONFLICT, "There is no template.")
        if act == "away":
            raise Fault("smtp.away", Kind.UNAVAILABLE, "Not now.")
        if act == "late" and delivery.attempt <= int(value):
            raise RuntimeError("not yet")
        if act == "slow":
            eventlet.sleep(float(value))
        if act == "broken" and options.get("broken"):
            raise RuntimeError("broken")
        if act == "die" and options.get("deadly"):
            os.kill(os.getpid(), signal.SIGKILL)

    @subscribe(HandOverOffered, via_courier=True)
    def on_hand_over_offered(self, event: HandOverOffered, delivery: Delivery) -> None:
        row = ("on_hand_over_offered", event.number, delivery.district, delivery.attempt)
        delivery.connection.exec_driver_sql(_EFFECT, row)


logs.configure("notification", "320508")
settings = SimpleNamespace(
    amqp_url=options["amqp_url"],
    retry_ladder=tuple(options["rungs"]),
    drain_s=options.get("drain_s", 10),
    max_workers=50,
)
database = Database(options["database_url"], pool_size=10)
transit = TransitSeal.of(options["transit_key"])
process = SimpleNamespace(settings=settings, clock=SystemClock(), new_id=new_id, database=database, transit=transit)
container = ServiceContainer(NotificationService, {PROCESS: process})
if options.get("die_before_ack"):
    from chassis.broker import Message

    Message.ack = lambda self: os.kill(os.getpid(), signal.SIGKILL)
done = eventlet.event.Event()
signal.signal(signal.SIGTERM, lambda *_: eventlet.spawn_after(0, done.send))
container.start()
print("started", flush=True)
while not done.ready():
    with eventlet.Timeout(0.5, False):
        done.wait()
    lines = exposition().decode().splitlines()
    print("\n".join(line for line in lines if line.startswith("tongban_events_handled")), flush=True)
container.stop()
