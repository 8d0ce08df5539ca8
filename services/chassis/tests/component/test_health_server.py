"""The health port over a real socket, in an eventlet process and in one of plain threads."""

import subprocess
import sys

import pytest

SCRIPT = """
import sys
if sys.argv[1] == "eventlet":
    import eventlet
    eventlet.monkey_patch()
import json, socket, time, urllib.error, urllib.request
from chassis import health, telemetry

telemetry.configure("test", "320508")
checks = {"broker": lambda: True, "database": lambda: time.sleep(30)}
server = health.HealthServer("127.0.0.1:0", checks)
server.start()

def get(path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()

idle = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(8)]  # who connects and says nothing holds up nobody
began = time.monotonic()
status, body = get("/readyz")
assert (status, json.loads(body)) == (503, {"ready": False, "not_ready": ["database"]}), body
assert time.monotonic() - began < 5
checks["database"] = lambda: True
assert get("/readyz")[0] == 200
assert get("/livez")[0] == 200
assert b'district="320508"' in get("/metrics")[1]
assert get("/other")[0] == 404
with socket.create_connection(("127.0.0.1", server.port), timeout=10) as rude:
    rude.sendall(b"nonsense\\r\\n\\r\\n")
    rude.recv(100)
assert get("/livez")[0] == 200
server.stop()
try:
    get("/livez")
except OSError:
    pass
else:
    raise AssertionError("still answers after stop")
"""


@pytest.mark.parametrize("world", ["threads", "eventlet"])
def test_the_port_answers_in_time_whatever_hangs_behind_it(world):
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT, world], check=False, capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 0, run.stderr
