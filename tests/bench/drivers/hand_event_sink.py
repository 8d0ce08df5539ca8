"""The floor of events, second half: each message consumed, its inbox row and its effect in one commit, then acked.

Options: {"amqp", "database", "queue", "at_once", "prefetch"}; works until its input ends, for which it tells that it is ready.
"""

import json
import sys

from tests.bench.by_hand import blocking_channel, in_thread, session

options = json.loads(sys.stdin.readline())


def handle(channel) -> None:
    connection = session(options["database"])
    cursor = connection.cursor()

    def take(channel, method, properties, body) -> None:
        cursor.execute(
            "INSERT INTO inbox (handler, source, id) VALUES ('by.hand', 'echo', %s) ON CONFLICT DO NOTHING",
            (properties.message_id,),
        )
        cursor.execute("INSERT INTO effect (number) VALUES (0)")
        connection.commit()
        channel.basic_ack(method.delivery_tag)

    channel.basic_qos(prefetch_count=options["prefetch"])
    channel.basic_consume(options["queue"], take)
    channel.start_consuming()


for channel in [blocking_channel(options["amqp"]) for _ in range(options["at_once"])]:
    in_thread(handle, channel)
print(json.dumps("ready"), flush=True)
sys.stdin.read()
