"""The floor's server: the same echo on bare pika, one acked message at a time."""

import json
import sys

import pika

connection = pika.BlockingConnection(pika.URLParameters(sys.argv[1]))
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
print(json.dumps("ready"), flush=True)
channel.start_consuming()
