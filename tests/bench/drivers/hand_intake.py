"""The floor of intake: the rows of one application, one INSERT a table, in one commit; as many at once as ours.

Options: {"database", "rows": by_hand.pack}; a question [number of the application in the rows, how many, at once]; the answer: seconds.
"""

import json
import sys
import time
from uuid import uuid4

from tests.bench.by_hand import fresh, in_thread, keys_of, session, unpack

options = json.loads(sys.stdin.readline())
database, rows = options["database"], unpack(options["rows"])


keys = keys_of(rows.values())


def write(old: str, first: int, wanted: int, step: int) -> None:
    connection = session(database)
    cursor = connection.cursor()
    for _ in range(first, wanted, step):
        number = f"320508-20260101-{uuid4().hex[:12]}"
        changes = [(old, number), *fresh(keys)]
        for each in rows.values():
            each.insert(cursor, changes)
        connection.commit()
    connection.close()


for line in sys.stdin:
    old, wanted, at_once = json.loads(line)
    began = time.perf_counter()
    for thread in [in_thread(write, old, first, wanted, at_once) for first in range(at_once)]:
        thread.join()
    print(json.dumps(time.perf_counter() - began), flush=True)
