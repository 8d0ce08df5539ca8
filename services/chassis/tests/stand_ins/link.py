"""`python -m services.chassis.tests.stand_ins.link URL`: one connection, driven by a line of JSON at a time; answers with one each.

["publish", exchange, key, count, timeout_s]   the outcomes of that many, published at once
["consume", queue, prefetch]                   messages are kept, unacked, until told otherwise
["got"]                                        bodies kept, in order
["ack", index], ["nack", index]                one of those kept
["state"]                                      connected, congested, whether each consumer is active
["metrics"]                                    the page of metrics
["stop", timeout_s]                            the seconds it took
"""

import chassis.green  # noqa: F401, I001

import json
import sys
import time
from typing import Any

from chassis.broker import BrokerConnection, BrokerGone, Consumer, Message
from chassis.telemetry.metrics import exposition
from eventlet.greenio import GreenPipe
from pika import BasicProperties

link = BrokerConnection(sys.argv[1], "test", confirms=True)
kept: list[Message] = []
consumers: list[Consumer] = []


def publish(exchange: str, key: str, count: int, timeout_s: float) -> Any:
    try:
        confirms = [
            link.publish_confirmed(exchange, key, str(number).encode(), BasicProperties(), mandatory=True)
            for number in range(count)
        ]
    except BrokerGone as error:
        return f"gone: {error}"
    return [confirm.wait(timeout_s) for confirm in confirms]


def consume(queue: str, prefetch: int) -> None:
    consumers.append(link.consume(queue, kept.append, prefetch=prefetch))


def stop(timeout_s: float) -> float:
    began = time.monotonic()
    link.stop(timeout_s)
    return time.monotonic() - began


commands = {
    "publish": publish,
    "consume": consume,
    "got": lambda: [message.body.decode() for message in kept],
    "ack": lambda index: kept[index].ack(),
    "nack": lambda index: kept[index].nack(requeue=True),
    "state": lambda: [link.connected, link.congested, *(consumer.active for consumer in consumers)],
    "wait": link.wait_connected,
    "metrics": lambda: exposition().decode(),
    "stop": stop,
}
link.start()
print("started", flush=True)
for line in GreenPipe(sys.stdin):
    name, *arguments = json.loads(line)
    print(json.dumps({"answer": commands[name](*arguments)}), flush=True)
