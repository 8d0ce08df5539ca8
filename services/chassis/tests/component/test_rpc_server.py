"""What a service of ours answers to whatever comes into its queue, and that it goes on after it."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator

import pika
import pytest
from chassis.assertion import Actor, sign_assertion
from chassis.clock import SystemClock, unix_ms
from chassis.wire import PROTOBUF

from services.chassis.tests.component.conftest import Proc, Sender, StartProc
from services.chassis.tests.stand_ins.contract import Note
from tests.support.engines import Engines

#: Octets of a call at most. Written out: to import it would patch this process for greenlets.
MAX_BODY = 4 * 1024 * 1024


@pytest.fixture
def healthy(echo: Proc, front: Sender, engines: Engines) -> Iterator[Proc]:
    """After the test the service still answers, and nothing has stayed in its queue."""
    yield echo
    assert front.call("echo.echo", {"text": "still there"})["result"] == {"text": "still there"}
    assert engines.depth("rpc-echo") == 0


def code_of(answer: dict) -> tuple[str, str]:
    assert answer["result"] is None
    return answer["error"]["code"], answer["error"]["kind"]


def test_json_is_answered_in_json(healthy: Proc, front: Sender) -> None:
    assert front.call("echo.echo", {"text": "异地"}) == {"result": {"text": "异地"}, "error": None}


@pytest.mark.parametrize(
    ("body", "properties"),
    [
        (b"{", {}),
        (b"\xff\xfe", {}),
        (b"[]", {}),
        (b"null", {}),
        (b'{"args": {}, "kwargs": {}}', {}),
        (b'{"args": [1, 2], "kwargs": {}}', {}),
        (b'{"args": [{}], "kwargs": {"a": 1}}', {}),
        (b'{"args": [{"no_such_field": 1}], "kwargs": {}}', {}),
        (b"[" * 100_000, {}),
        (b"\x0a\xff", {"content_type": PROTOBUF}),
        (b"{}", {"content_type": None}),
        (b"{}", {"content_type": "application/x-python-serialize"}),
    ],
    ids=["cut", "octets", "list", "null", "args", "two", "kwargs", "field", "deep", "protobuf", "no type", "pickle"],
)
def test_a_body_that_cannot_be_read_is_answered(healthy: Proc, front: Sender, body: bytes, properties: dict) -> None:
    assert code_of(front.call("echo.echo", body, **properties)) == ("rpc.undecodable", "invalid")


def test_a_call_that_is_too_large_is_answered_and_not_read(healthy: Proc, front: Sender) -> None:
    body = json.dumps({"args": [{"text": "x" * MAX_BODY}], "kwargs": {}}).encode()
    assert code_of(front.call("echo.echo", body)) == ("rpc.too_large", "too_large")
    body = json.dumps({"args": [{"text": "x" * (MAX_BODY - 100)}], "kwargs": {}}).encode()
    assert front.call("echo.echo", body)["error"] is None


@pytest.mark.parametrize("deadline", ["soon", 1 << 62, -(1 << 62), [1], None])
def test_headers_that_cannot_be_read_are_answered(healthy: Proc, front: Sender, deadline: object) -> None:
    answer = front.call("echo.echo", headers={"tongban.deadline": deadline})
    assert code_of(answer) == ("rpc.bad_headers", "invalid")


def test_headers_that_the_client_library_cannot_read_are_answered(
    healthy: Proc, front: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broker takes a time beyond year 9999, pika raises on it, and would lose the connection again and again."""

    def write_time(pieces: list[bytes], value: int) -> int:
        pieces.append(struct.pack(">cQ", b"T", value))
        return 9

    monkeypatch.setattr(pika.data, "encode_value", write_time)  # this side's pika writes none either
    answer = front.call("echo.echo", headers={"tongban.deadline": 1 << 62})
    assert code_of(answer) == ("rpc.bad_headers", "invalid")
    assert "connection" not in healthy.output


@pytest.mark.parametrize("name", ["reply_to", "correlation_id", "content_type", "type"])
def test_properties_that_are_no_text_end_nothing(healthy: Proc, front: Sender, name: str) -> None:
    front.send("echo.echo", **{name: b"\xff\xfe"})


def test_an_unknown_method_is_answered(echo: Proc, stranger: Sender) -> None:
    assert code_of(stranger.call("echo.no_such_method")) == ("rpc.unknown_method", "not_found")


@pytest.mark.parametrize("reply_to", [None, "", "echo.echo", "reply.echo.3f0e4d1c-8c1f-4d6f-9f0e-2b7c0a1d9e11"])
def test_a_call_that_names_no_answer_queue_of_its_own_is_not_run(
    healthy: Proc, front: Sender, journal, reply_to: str | None
) -> None:
    front.send("echo.wait", {"text": "ran"}, reply_to=reply_to)
    front.call("echo.echo")
    assert journal.read_text() == ""


def test_a_call_past_its_deadline_is_dropped_not_run(healthy: Proc, front: Sender, journal) -> None:
    late, before = unix_ms(SystemClock().now()) - 1, healthy.sample("tongban_rpc_expired_total", method="echo.wait")
    call = front.send("echo.wait", {"text": "ran"}, headers={"tongban.deadline": late})
    assert front.call("echo.wait", {"text": "the one behind it"})["error"] is None
    assert healthy.sample("tongban_rpc_expired_total", method="echo.wait") == before + 1
    assert journal.read_text() == "the one behind it\n"
    assert front.answer(call, timeout_s=0) is None


def test_an_answer_to_a_stranger_that_the_broker_refuses_costs_nobody_else_theirs(
    healthy: Proc, front: Sender, stranger: Sender
) -> None:
    stranger.send("echo.echo", reply_to="reply.nobody.3f0e4d1c-8c1f-4d6f-9f0e-2b7c0a1d9e11")
    for _ in range(20):
        assert front.call("echo.echo", {"text": "hi"})["result"] == {"text": "hi"}


def test_the_caller_is_whom_the_broker_has_checked(healthy: Proc, front: Sender) -> None:
    assert front.call("echo.who_am_i")["result"] == {"text": "front -"}


def test_errors_travel_as_code_and_kind_and_defects_say_nothing_of_their_inside(healthy: Proc, front: Sender) -> None:
    fault = front.call("echo.fail")["error"]
    assert (fault["code"], fault["kind"], fault["details"]) == ("echo.not_found", "not_found", {"field": "text"})
    assert code_of(front.call("echo.fail", {"text": "domain"})) == ("echo.already_closed", "conflict")
    defect = front.call("echo.crash")
    assert code_of(defect) == ("internal", "internal")
    assert "inside" not in str(defect)
    assert code_of(front.call("echo.mislead")) == ("internal", "internal")
    assert "the inside of a defect" in healthy.output  # the traceback is for us


def an_actor(*roles: str) -> Actor:
    return Actor("subject-1", "320508", frozenset(roles), "loa2", "portal", "王")


def test_only_who_holds_the_role_is_let_in(healthy: Proc, front: Sender, engines: Engines) -> None:
    def call(token: str | None) -> dict:
        return front.call("echo.for_clerks", headers={"nameko.assertion": token} if token else {})

    def signed(*roles: str, audience: str = engines.district.code, lifetime_s: int = 60) -> str:
        key = engines.district.edge_key
        return sign_assertion(an_actor(*roles), key, clock=SystemClock(), audience=audience, lifetime_s=lifetime_s)

    assert call(signed("citizen", "clerk"))["result"] == {"text": "subject-1"}
    assert code_of(call(signed("citizen"))) == ("rpc.forbidden", "forbidden")
    assert code_of(call(None)) == ("rpc.forbidden", "forbidden")
    for bad in (
        signed("clerk", audience="310101"),
        signed("clerk", lifetime_s=-60),
        signed("clerk") + "x",
        "x",
        "a.b.c",
    ):
        assert code_of(call(bad)) == ("rpc.bad_assertion", "unauthenticated")


def test_a_protobuf_call_is_answered_in_protobuf(healthy: Proc, front: Sender) -> None:
    found = front.raw_answer(front.send("echo.echo", Note(text="办").SerializeToString(), content_type=PROTOBUF))
    assert found is not None
    assert (found[0].content_type, found[0].user_id) == (PROTOBUF, "echo")
    assert Note.FromString(found[1]).text == "办"


def test_a_stock_nameko_client_calls_it_like_any_nameko_service(
    healthy: Proc, start: StartProc, engines: Engines
) -> None:
    actor, key = an_actor("clerk"), engines.district.edge_key
    token = sign_assertion(actor, key, clock=SystemClock(), audience=engines.district.code)
    calls = [["echo", {"text": "hi"}, ""], ["fail", {}, ""], ["for_clerks", {}, token], ["who_am_i", {}, ""]]
    process = start("stock_client", "echo", engines.trial_url, json.dumps(calls), ready="[[")
    assert json.loads(process.output) == [
        ["result", {"text": "hi"}],
        ["echo.not_found", "There is none."],
        ["result", {"text": "subject-1"}],
        ["result", {"text": "trial -"}],
    ]
