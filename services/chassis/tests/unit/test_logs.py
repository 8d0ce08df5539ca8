"""A log line carries no secret and nothing personal, whoever wrote it."""

import io
import json
import logging
import time

import pytest
import structlog
from chassis import logs, telemetry

TOKEN = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl"


@pytest.fixture
def lines():
    stream = io.StringIO()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    logs.configure("case_routing", "320508", stream=stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("applicant 11010519491231002X applied", "11010519491231002X"),
        ("with a wrong check digit 110105194912310021", "110105194912310021"),
        ("lower case 11010519491231002x", "11010519491231002x"),
        ("grouped 110105 19491231 0021", "19491231 0021"),
        ("号码110105194912310021号", "110105194912310021"),
        ("call 13812345678", "13812345678"),
        ("电话13812345678。", "13812345678"),
        ("call +8613812345678 now", "13812345678"),
        ("call 008613812345678 now", "13812345678"),
        ("call 138-1234-5678", "138-1234-5678"),
        ("call +49 30 1234567", "30 1234567"),
        (f"token {TOKEN}", TOKEN),
        ("Authorization: Bearer abcDEF123456.-~", "abcDEF123456"),
        ("authorization: basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("amqp://case_routing:s3cr3t@127.20.1.1:5672/district", "s3cr3t"),
        ("postgresql+psycopg2://u:p%40ss@db/x", "p%40ss"),
        ("amqps://u:p@s/s@host/vhost", "p@s/s"),
        ("host=db password=hunter2 user=x", "hunter2"),
        ('{"client_secret": "hunter2"}', "hunter2"),
        ("mail to zhang.san+x@example.org failed", "zhang.san"),
        ("[SQL: INSERT …]\n[parameters: {'name': '张三'}]\n(Background …)", "张三"),
        ("DETAIL:  Key (name)=(张三) already exists.", "张三"),
    ],
)
def test_text_loses_what_is_secret_or_personal(text, secret):
    assert secret not in logs.redact(text)
    assert logs.HIDDEN in logs.redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "case 320508-20261123-7KQ2M4XW accepted",
        "0192e4a0-7f3c-7b1e-9d2a-1f4b5c6d7e8f",
        "amqp://127.20.1.1:5672/district",
        "2026-11-23T01:00:00Z took 0.123 s, 1764000000 s, 1764000000123 ms",
        "queue evt.hotline.on_case_progressed holds 12 messages",
        "division 320508, service identity, version 17",
    ],
)
def test_text_that_is_neither_stays_whole(text):
    assert logs.redact(text) == text


@pytest.mark.parametrize(
    "key",
    [
        "password", "db_password", "clientSecret", "token", "access_token", "assertion", "Authorization", "set-cookie", "name",
        "applicant_name", "id_number", "applicant_id_number", "email", "contact_email", "phone", "mobile_phone", "address",
    ],
)  # fmt: skip
def test_a_value_under_a_telling_key_is_hidden_whatever_it_looks_like(lines, key):
    logs.get_logger("test").info("seen", **{key: "张三"})
    assert lines()[0][key] == logs.HIDDEN


@pytest.mark.parametrize("key", ["queue_name", "case", "item_code", "event_id", "exchange", "state"])
def test_other_keys_are_shown(lines, key):
    logs.get_logger("test").info("seen", **{key: "something"})
    assert "something" in lines()[0].values()


def test_nested_values_numbers_and_bytes_are_redacted_too(lines):
    logs.get_logger("test").info(
        "seen", a={"b": [{"name": "张三"}, "13812345678"]}, n=110105194912310021, raw=b"13812345678"
    )
    [line] = lines()
    assert line["a"] == {"b": [{"name": "***"}, "***"]}
    assert line["n"] == "***"
    assert line["raw"] == "<11 bytes>"


def test_a_librarys_lines_and_tracebacks_are_redacted(lines):
    try:
        raise RuntimeError("cannot reach amqp://u:hunter2@host/ for 13812345678")
    except RuntimeError:
        logging.getLogger("some.library").exception("failed for %s", "zhang@example.org")
    [line] = lines()
    assert "hunter2" not in str(line) and "13812345678" not in str(line) and "zhang" not in str(line)
    assert "RuntimeError" in line["exception"]


def test_addresses_that_a_client_asks_for_are_not_told(lines):
    logging.getLogger("httpx").info('HTTP Request: GET https://gateway.example/v1/items?q=离婚 "HTTP/1.1 200 OK"')
    assert lines() == []


def test_a_value_that_cannot_be_read_loses_the_line_and_shows_nothing(lines):
    class Awkward:
        def __str__(self) -> str:
            raise ValueError("13812345678")

    logs.get_logger("test").info("seen 13812345678", value=Awkward())
    [line] = lines()
    assert "13812345678" not in str(line)
    assert line["error"] == "ValueError"


def test_every_line_says_whose_it_is_and_which_trace_it_belongs_to(lines):
    with telemetry.span("run test.work", parent="00-" + "ab" * 16 + "-" + "cd" * 8 + "-01"):
        logs.get_logger("test").info("inside")
    logs.get_logger("test").info("outside")
    inside, outside = lines()
    assert (inside["service"], inside["district"]) == ("case_routing", "320508")
    assert inside["trace_id"] == "ab" * 16
    assert "trace_id" not in outside


def test_a_caller_cannot_pass_off_another_service_or_district(lines):
    logs.get_logger("test").info("seen", service="identity", district="310101")
    assert (lines()[0]["service"], lines()[0]["district"]) == ("case_routing", "320508")


@pytest.mark.parametrize(
    "piece", ["a", "eyJ", "a@", "1", "138 ", "password", "://", "+1 ", "amqp://a", "[parameters: ", " "]
)
def test_a_long_value_costs_little_whatever_it_is_made_of(piece):
    started = time.process_time()
    logs.redact(piece * (1_000_000 // len(piece)))
    assert time.process_time() - started < 2


@pytest.mark.parametrize("padding", range(40))
def test_a_long_value_is_cut_between_words(padding):
    text = "x" * padding + " 110105194912310021" * 2000
    assert "1101" not in logs.redact(text)
    assert len(logs.redact(text)) < logs.LONGEST
