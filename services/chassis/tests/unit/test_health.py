"""Liveness asks nobody; readiness names what is missing."""

import json

import pytest
from chassis import health, telemetry
from chassis.telemetry import metrics


def broken() -> bool:
    raise ConnectionError("amqp://u:hunter2@host/")


def test_a_process_whose_broker_is_away_is_alive_and_not_ready():
    checks = {"broker": lambda: False, "database": lambda: True}
    assert health.respond("/livez", checks)[0] == 200
    status, _, body = health.respond("/readyz", checks)
    assert status == 503
    assert json.loads(body) == {"ready": False, "not_ready": ["broker"]}


def test_a_process_with_everything_there_is_ready():
    assert health.respond("/readyz", {"broker": lambda: True})[0] == 200


def test_a_check_that_raises_has_failed_and_its_message_is_not_logged(caplog):
    assert health.not_ready({"broker": broken}) == ["broker"]
    assert "hunter2" not in caplog.text


def test_a_check_that_hangs_has_failed_and_is_not_asked_twice_at_once(monkeypatch):
    import threading

    monkeypatch.setattr(health, "CHECK_TIMEOUT_S", 0.05)
    released, asked = threading.Event(), []

    def hanging() -> bool:
        asked.append(1)
        return released.wait(10)

    assert health.not_ready({"database": hanging}) == ["database"]
    assert health.not_ready({"database": hanging}) == ["database"]
    assert len(asked) == 1
    released.set()


def test_every_sample_says_whose_it_is():
    telemetry.configure("case_routing", "320508")
    metrics.SPANS_EXPORTED.inc(0)
    status, content_type, body = health.respond("/metrics", {})
    samples = [line for line in body.decode().splitlines() if not line.startswith("#")]
    assert status == 200 and content_type.startswith("text/plain")
    assert samples and all('district="320508"' in line and 'service="case_routing"' in line for line in samples)


def test_any_other_page_is_not_there():
    assert health.respond("/admin", {})[0] == 404


@pytest.mark.parametrize("name", ["requests_total", "tongban_Bad_total", "tongban_requests"])
def test_a_counter_outside_the_naming_rule_is_refused(name):
    with pytest.raises(ValueError):
        telemetry.counter(name, "what")
