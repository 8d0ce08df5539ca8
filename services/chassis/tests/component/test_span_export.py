"""Spans over a real socket: to a collector that answers, to one that is silent, and to none; in threads and under eventlet."""

import subprocess
import sys

import pytest

SCRIPT = """
import sys
if sys.argv[1] == "eventlet":
    import eventlet
    eventlet.monkey_patch()
import gzip, http.server, socket, threading, time
from chassis import telemetry
from chassis.telemetry import metrics

received = []

class Collector(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        received.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(200); self.send_header("content-length", "0"); self.end_headers()
    def log_message(self, *args): pass

if sys.argv[2] == "answering":
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    port = server.server_address[1]
else:
    listening = socket.socket(); listening.bind(("127.0.0.1", 0)); port = listening.getsockname()[1]
    if sys.argv[2] == "silent":
        listening.listen(8)
    else:
        listening.close()

telemetry.configure("test", "320508", f"http://127.0.0.1:{port}")
longest, last, until = 0.0, time.monotonic(), time.monotonic() + 3
while time.monotonic() < until:  # work that yields often, as a handler does
    with telemetry.span("run test.work"):
        time.sleep(0.005)
    now = time.monotonic()
    longest, last = max(longest, now - last), now
started = time.monotonic()
flushed = telemetry.flush(1.0)
took = time.monotonic() - started
assert longest < 0.5, f"work stood still for {longest:.2f} s"
assert took < 2.0, f"flush took {took:.2f} s"
if sys.argv[2] == "answering":
    assert flushed and received and received[0][0] == "/v1/traces"
    assert metrics.SPANS_EXPORTED._value.get() > 50
else:
    assert not flushed
    assert metrics.SPANS_EXPORTED._value.get() == 0
"""


@pytest.mark.parametrize("collector", ["answering", "silent", "absent"])
@pytest.mark.parametrize("world", ["threads", "eventlet"])
def test_work_goes_on_whatever_the_collector_does(world, collector):
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT, world, collector],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
