"""Calls `echo.echo` through stock nameko's ClusterRpcProxy, `window` at once."""

import json
import sys
import time
from collections import deque

from nameko.amqp.publish import Publisher
from nameko.constants import NON_PERSISTENT
from nameko.standalone.rpc import ClusterRpcProxy

Publisher.delivery_mode = NON_PERSISTENT  # as ours: nothing that a call needs outlives its caller
TEXT = "x" * 64

with ClusterRpcProxy({"AMQP_URI": json.loads(sys.stdin.readline()), "serializer": "json"}) as proxy:
    for line in sys.stdin:
        window, calls = json.loads(line)
        under_way: deque = deque()
        began = time.perf_counter()
        for _ in range(calls):
            under_way.append(proxy.echo.echo.call_async({"text": TEXT}))
            if len(under_way) >= window:
                assert under_way.popleft().result()["text"] == TEXT
        while under_way:
            under_way.popleft().result()
        print(json.dumps(calls / (time.perf_counter() - began)), flush=True)
