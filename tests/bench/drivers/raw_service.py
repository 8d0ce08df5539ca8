"""The floor's server: the same echo on bare pika, one acked message at a time."""

import json
import os
import sys

import pika

from tests.bench.by_hand import in_thread


def end_with_input():
    sys.stdin.read()
    os._exit(0)


connection = pika.BlockingConnection(pika.URLParameters(json.loads(sys.stdin.readline())))
channel = connection.channel()
channel.basic_qos(prefetch_count=100)


def answer(channel, method, properties, body):
    text = json.loads(body)["args"][0]["text"]
    channel.basic_publish(
        "nameko-rpc", properties.reply_to, json.dumps({"result": {"text": text}, "error": None}).encode(),
        pika.BasicProperties(correlation_id=properties.correlation_id, content_type="application/json"),
    )  # fmt: skip
    channel.basic_ack(method.delivery_tag)


channel.basic_consume("rpc-echo", answer)
in_thread(end_with_input)
print(json.dumps("ready"), flush=True)
channel.start_consuming()
