"""The floor's client: the same call on bare pika, `window` at once."""

import json
import sys
import time
from uuid import uuid4

import pika

connection = pika.BlockingConnection(pika.URLParameters(json.loads(sys.stdin.readline())))
channel = connection.channel()
key = str(uuid4())
queue = f"rpc.reply-standalone_rpc_proxy_bench-{key}"
channel.queue_declare(queue, exclusive=True)
channel.queue_bind(queue, "nameko-rpc", key)
BODY = json.dumps({"args": [{"text": "x" * 64}], "kwargs": {}}).encode()
arrived = 0
sent = 0
wanted = 0


def send():
    global sent  # noqa: PLW0603  a driver of thirty lines
    sent += 1
    properties = pika.BasicProperties(reply_to=key, correlation_id=str(sent), content_type="application/json")
    channel.basic_publish("nameko-rpc", "echo.echo", BODY, properties)


def take(_channel, _method, _properties, body):
    global arrived  # noqa: PLW0603  a driver of thirty lines
    assert json.loads(body)["result"]["text"]
    arrived += 1
    if sent < wanted:
        send()


channel.basic_consume(queue, take, auto_ack=True)
for line in sys.stdin:
    window, calls = json.loads(line)
    arrived, sent, wanted = 0, 0, calls
    began = time.perf_counter()
    for _ in range(window):
        send()
    while arrived < calls:
        connection.process_data_events(time_limit=5)
    print(json.dumps(calls / (time.perf_counter() - began)), flush=True)
connection.close()
