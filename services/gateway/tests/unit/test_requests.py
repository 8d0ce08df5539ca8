"""What a request must be like: strict bodies, no control characters, keys, versions, sizes and rates."""

from __future__ import annotations

import asyncio
import base64
import hashlib

import pytest
from chassis.edge import Networks
from chassis.errors import Fault, Kind
from gateway.etag import expected_version
from gateway.messages import case_routing, catalogue, common
from gateway.schemas import cases, items, kiosks

from ..fakes import Gateway

NUMBER = "320508-20261123-ABCDEFGH"
KEY = {"Idempotency-Key": "key-1"}


def submit(ask, body=None, **more):
    return ask("POST", "/v1/cases", "citizen", json=body or cases.EXAMPLE, **{"headers": KEY} | more)


def test_an_application_reaches_case_routing_as_it_was_sent(gateway, ask) -> None:
    gateway.bus.answers["case_routing.submit_case"] = case_routing.Case(number=NUMBER, version=1)
    answer = submit(ask)
    assert (answer.status_code, answer.headers["location"], answer.headers["etag"]) == (
        201,
        f"/v1/cases/{NUMBER}",
        '"1"',
    )
    ((method, request, _),) = gateway.bus.calls
    material, sent = request.materials[0], cases.EXAMPLE["materials"][0]
    content = base64.b64decode(sent["content"])
    assert (method, request.item_code, request.idempotency_key) == (
        "case_routing.submit_case",
        cases.EXAMPLE["item_code"],
        "key-1",
    )
    assert (material.content, material.size, material.sha256) == (
        content,
        len(content),
        hashlib.sha256(content).hexdigest(),
    )


def changed(**fields) -> dict:
    return {**cases.EXAMPLE, **fields}


def material(**fields) -> dict:
    return changed(materials=[{**cases.EXAMPLE["materials"][0], **fields}])


@pytest.mark.parametrize(
    "body",
    [
        changed(more="x"),
        material(more="x"),
        changed(item_code=7),
        changed(item_code=None),
        changed(item_code=""),
        changed(item_code="a b"),
        changed(item_code="a\x00"),
        changed(item_code="a\n"),
        changed(materials={}),
        changed(materials=cases.EXAMPLE["materials"] * 21),
        material(name="a\x00b"),
        material(name="a\x1bb"),
        material(name="a\nb"),
        material(name=" "),
        material(name="x" * 201),
        material(content="not base64!"),
        material(content="AAA"),
        material(content="AAAA" * (2 * 2**20 // 3 + 2)),
        material(media_type="text"),
        [],
        7,
        "x",
    ],
    ids=lambda body: str(body)[:40],
)
def test_a_body_that_is_not_as_described_is_refused_and_its_values_are_not_repeated(gateway, ask, body) -> None:
    answer = ask("POST", "/v1/cases", "citizen", json=body, headers=KEY)
    assert (answer.status_code, answer.json()["code"]) == (422, "request.invalid")
    assert answer.json()["errors"]
    assert "not base64" not in answer.text
    assert gateway.bus.calls == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[" * 100_000,
        b'{"item_code": "\xff"}',
        b'{"item_code": "\\ud800", "materials": []}',
        b'{"a": ' + b"9" * 5000 + b"}",
    ],
    ids=["empty", "cut", "null", "deep", "no UTF-8", "half a character", "long number"],
)
def test_what_is_no_json_is_refused(gateway, ask, content) -> None:
    answer = ask("POST", "/v1/cases", "citizen", content=content, headers={**KEY, "Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (422, "request.invalid")
    assert gateway.bus.calls == []


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_another_content_type_is_not_supported(ask, media_type) -> None:
    answer = ask("POST", "/v1/cases", "citizen", content=b"{}", headers={**KEY, "Content-Type": media_type})
    assert (answer.status_code, answer.json()["code"]) == (415, "request.unsupported_media_type")


@pytest.mark.parametrize(
    ("path", "role", "most"),
    [("/v1/cases", "citizen", 5 * 2**20), (f"/v1/cases/{NUMBER}/refuse", "clerk", 2**20)],
)
def test_a_body_over_the_limit_of_its_address_is_too_large_told_or_not(gateway, path, role, most) -> None:
    async def chunks(octets: int):
        for _ in range(octets // 65_536):
            yield b" " * 65_536

    async def sent(octets: int) -> list[int]:
        headers = {**KEY, "Content-Type": "application/json"}
        bodies = (b" " * octets, chunks(octets))
        answers = [await gateway.send("POST", path, role, content=c, headers=headers) for c in bodies]
        return [(answer.status_code, answer.json()["code"]) for answer in answers]

    assert set(asyncio.run(sent(most))) == {(422, "request.invalid")}
    assert set(asyncio.run(sent(most + 65_536))) == {(413, "request.too_large")}


def test_a_material_may_have_two_mebibytes(gateway, ask) -> None:
    gateway.bus.answers["case_routing.submit_case"] = case_routing.Case(number=NUMBER, version=1)
    for octets, status in ((2 * 2**20, 201), (2 * 2**20 + 3, 422)):
        content = base64.b64encode(bytes(octets)).decode()
        assert submit(ask, material(content=content)).status_code == status


def test_where_no_files_are_handed_in_a_body_of_unknown_length_needs_no_room(gateway) -> None:
    """Programs that send everything in chunks, kiosks for example, are many at once."""
    go, begun = asyncio.Event(), []

    async def slow():
        begun.append(1)
        yield b"{"
        await go.wait()
        yield b"}"

    async def journey():
        headers = {**KEY, "Content-Type": "application/json"}

        async def send(person: str):
            path = f"/v1/cases/{NUMBER}/refuse"
            return await gateway.send("POST", path, "clerk", subject=person, content=slow(), headers=headers)

        under_way = [asyncio.create_task(send("one")) for _ in range(8)]
        async with asyncio.timeout(5):
            while len(begun) < 8:
                await asyncio.sleep(0)
            go.set()
            return await asyncio.gather(*under_way)

    assert {answer.status_code for answer in asyncio.run(journey())} == {422}


def test_one_person_has_two_large_bodies_under_way_and_everybody_four(gateway) -> None:
    """Each is held in memory until its answer; small ones go on meanwhile."""
    go = asyncio.Event()

    async def slow():
        yield b"{"
        await go.wait()
        yield b"}"

    async def journey():
        async def send(person: str, content):
            headers = {**KEY, "Content-Type": "application/json"}
            return await gateway.send("POST", "/v1/cases", "citizen", subject=person, content=content, headers=headers)

        people = [f"person{n // 2}" for n in range(4)]
        under_way = [asyncio.create_task(send(person, slow())) for person in people]
        while gateway.app.state.room._held.total() < 4:
            await asyncio.sleep(0)
        turned_away = [await send(person, slow()) for person in ("person0", "person9")]
        small = await send("person0", b"{}")
        go.set()
        return turned_away, small, await asyncio.gather(*under_way), await send("person0", slow())

    turned_away, small, under_way, after = asyncio.run(journey())
    for answer in turned_away:
        assert (answer.status_code, answer.json()["code"]) == (429, "request.too_many")
        assert answer.headers["retry-after"] == "2"
    assert {answer.status_code for answer in (small, *under_way, after)} == {422}


@pytest.mark.parametrize("key", ["", "x" * 65, "a b", "ä"])
def test_an_idempotency_key_is_visible_ascii(ask, key) -> None:
    assert submit(ask, headers={"Idempotency-Key": key.encode()}).json()["code"] == "request.invalid"


def test_a_missing_idempotency_key_is_named(ask) -> None:
    assert submit(ask, headers={}).json()["code"] == "request.key_missing"


@pytest.mark.parametrize("path", ["/v1/items?more=1", "/v1/items?size=1&size=2", "/v1/items?size=0", "/v1/items?size=101", "/v1/items?size=x",
                                  "/v1/items?cursor=%00", "/v1/items?q=%00", "/v1/items?handling_district=1", "/v1/links/1/messages",
                                  "/v1/links/310101/messages?state=nothing", "/v1/items/a%00", "/v1/deliveries"])  # fmt: skip
def test_a_parameter_that_is_not_as_described_is_refused(gateway, ask, path) -> None:
    answer = ask("GET", path, "operator")
    assert answer.status_code == 422
    assert answer.json()["code"] in ("request.invalid", "request.unknown_parameter", "request.repeated_parameter")
    assert gateway.bus.calls == []


def test_a_search_finds_and_its_absence_lists(gateway, ask) -> None:
    found = catalogue.FindItemsResponse(items=[catalogue.Item(code="a")], page=common.PageInfo(next="abc"))
    gateway.bus.answers["catalogue.find_items"] = found
    assert ask("GET", "/v1/items?q=%E7%A4%BE%E4%BF%9D&size=5&cursor=x", "citizen").json()["next"] == "abc"
    assert ask("GET", "/v1/items", "citizen").json() == {"items": [], "next": None}
    (_, first, _), (method, _, _) = gateway.bus.calls
    assert (first.query, first.page.size, first.page.cursor, method) == ("社保", 5, "x", "catalogue.list_items")


def act(ask, **headers):
    return ask("POST", f"/v1/cases/{NUMBER}/accept", "clerk", headers={**KEY, **headers})


@pytest.mark.parametrize(
    ("if_match", "version"), [(None, 0), ("*", 0), ('"3"', 3), ('W/"3"', -1), ('"x"', -1), ('"0"', -1), ('"03"', -1)]
)
def test_if_match_becomes_the_version_that_the_act_expects(gateway, ask, if_match, version) -> None:
    headers = {"If-Match": if_match} if if_match else {}
    act(ask, **headers)
    assert [request.expected_version for _, request, _ in gateway.bus.calls] == [version]


def test_another_version_than_if_match_asks_for_is_a_failed_precondition(gateway, ask) -> None:
    gateway.bus.answers["case_routing.accept_case"] = Fault("case_routing.version_conflict", "conflict", "…")
    answer = act(ask, **{"If-Match": '"3"'})
    assert (answer.status_code, answer.json()["code"]) == (412, "case_routing.version_conflict")


def test_if_match_that_is_no_tag_is_refused(ask) -> None:
    assert act(ask, **{"If-Match": "3"}).status_code == 422


@pytest.mark.parametrize(
    ("known", "status"),
    [(None, 200), ('"7"', 304), ('W/"7"', 304), ('"6", "7"', 304), ("*", 304), ('"6"', 200), ('"77"', 200)],
)
def test_a_case_that_the_caller_has_already_is_not_sent_again(gateway, ask, known, status) -> None:
    gateway.bus.answers["case_routing.get_case"] = case_routing.Case(number=NUMBER, version=7)
    answer = ask("GET", f"/v1/cases/{NUMBER}", "citizen", headers={"If-None-Match": known} if known else {})
    assert (answer.status_code, answer.headers["etag"]) == (status, '"7"')
    assert answer.headers["cache-control"] == "private, no-cache"
    assert bool(answer.content) == (status == 200)


@pytest.mark.parametrize(("verb", "body"), [("grant", {"reasons": "x"}), ("refuse", {"reasons": "x"})])
def test_a_decision_carries_its_reasons(gateway, ask, verb, body) -> None:
    ask("POST", f"/v1/cases/{NUMBER}/{verb}", "clerk", json=body, headers=KEY)
    ((method, request, _),) = gateway.bus.calls
    assert (method, request.reasons) == (f"case_routing.{verb}_case", "x")


@pytest.mark.parametrize("reasons", ["", " \n ", None, "a\x00b"])
def test_a_refusal_has_reasons(ask, reasons) -> None:
    assert ask("POST", f"/v1/cases/{NUMBER}/refuse", "clerk", json={"reasons": reasons}, headers=KEY).status_code == 422


def test_examples_are_accepted_and_reach_their_service(gateway, ask) -> None:
    assert ask("PUT", "/v1/items/a", "publisher", json=items.EXAMPLE).status_code == 200
    assert ask("POST", "/v1/kiosks", "fleet_manager", json=kiosks.EXAMPLE, headers=KEY).status_code == 201
    (_, publish, _), (_, register, _) = gateway.bus.calls
    assert publish.item.mode == catalogue.CROSS_PROVINCE_MODE_FULLY_ONLINE
    assert publish.item.provenance == publish.item.terms_provenance == common.PROVENANCE_OWNER
    assert publish.item.materials[0].key == "identity_card"
    assert '"crv":"Ed25519"' in register.public_jwk


STATUSES = [
    (Kind.INVALID, 422), (Kind.UNAUTHENTICATED, 401), (Kind.FORBIDDEN, 403), (Kind.NOT_FOUND, 404), (Kind.CONFLICT, 409),
    (Kind.TOO_LARGE, 413), (Kind.RATE_LIMITED, 429), (Kind.UNAVAILABLE, 503), (Kind.DEADLINE, 503), (Kind.INTERNAL, 500),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "status"), STATUSES)
def test_a_service_s_fault_becomes_a_problem_with_its_code(gateway, ask, kind, status) -> None:
    gateway.bus.answers["catalogue.get_item"] = Fault("catalogue.something", kind, "A sentence.", {"field": "name"})
    answer = ask("GET", "/v1/items/a", "citizen")
    body = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert (body["code"], body["detail"], body["status"], body["details"]) == (
        "catalogue.something",
        "A sentence.",
        status,
        {"field": "name"},
    )
    assert body["type"] == "urn:tongban:problem:catalogue.something"
    assert ("retry-after" in answer.headers) == (status in (429, 503))
    assert ("www-authenticate" in answer.headers) == (status == 401)


def test_every_kind_of_fault_has_a_status() -> None:
    assert {kind for kind, _ in STATUSES} == set(Kind)


def test_a_defect_tells_nothing_of_its_inside(gateway, ask) -> None:
    def broken(_):
        raise RuntimeError("secret inside")

    gateway.bus.answers["catalogue.get_item"] = broken
    answer = ask("GET", "/v1/items/a", "citizen")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "secret" not in answer.text


def test_who_asks_too_often_is_told_when_to_come_back_and_others_are_not_held_up(tmp_path) -> None:
    gateway = Gateway(tmp_path, {"rate_per_second": 0.1, "rate_burst": 3.0})

    async def storm():
        mine = [await gateway.send("GET", "/v1/items", "citizen", subject="one") for _ in range(5)]
        return mine, await gateway.send("GET", "/v1/items", "citizen", subject="two")

    mine, other = asyncio.run(storm())
    assert [answer.status_code for answer in mine] == [200, 200, 200, 429, 429]
    assert (mine[-1].json()["code"], mine[-1].headers["retry-after"]) == ("request.too_many", "10")
    assert other.status_code == 200


def test_who_does_not_say_who_they_are_is_counted_by_address_and_holds_up_nobody_who_does(tmp_path) -> None:
    gateway = Gateway(tmp_path, {"rate_per_second": 0.1, "rate_burst": 3.0})

    async def storm():
        nobody = [await gateway.send("GET", path) for path in ("/v1/items", "/v1/items/a") * 2]
        return nobody, await gateway.send("GET", "/v1/items", "citizen")

    nobody, known = asyncio.run(storm())
    assert [answer.status_code for answer in nobody] == [200, 200, 200, 429]
    assert known.status_code == 200


@pytest.mark.parametrize(("address", "answers"), [("10.0.0.1", [200, 429, 200]), ("192.0.2.9", [200, 429, 429])])
def test_who_comes_through_a_trusted_proxy_is_counted_alone_and_nobody_else_is_whom_they_say(
    tmp_path, address, answers
) -> None:
    gateway = Gateway(
        tmp_path, {"rate_per_second": 0.1, "rate_burst": 1.0, "trusted_proxies": Networks.of("10.0.0.0/8")}
    )

    async def asked(client: str) -> int:
        headers = {"X-Forwarded-For": client}
        return (await gateway.send("GET", "/v1/items", address=address, headers=headers)).status_code

    async def all_three() -> list[int]:
        return [await asked(client) for client in ("198.51.100.1", "198.51.100.1", "198.51.100.2")]

    assert asyncio.run(all_three()) == answers


@pytest.mark.parametrize("value", ["", "Basic abc", "Bearer", "Bearer ", "bearer"])
def test_what_is_no_bearer_token_is_none(ask, value) -> None:
    answer = ask("GET", "/v1/items", headers={"Authorization": value})
    assert (answer.status_code, answer.json()["code"]) == (401, "token.missing")


def test_every_answer_has_the_headers_that_browsers_need(ask) -> None:
    for answer in (ask("GET", "/v1/items", "citizen"), ask("GET", "/nothing"), ask("GET", "/livez")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["strict-transport-security"]
        assert answer.headers["cache-control"] == "no-store"


def test_a_story_has_the_spans_of_this_district_or_says_that_it_could_not_ask(gateway, ask) -> None:
    traces = [case_routing.CaseTrace(trace_id="ab" * 16, district="320508", event="submitted")]
    gateway.bus.answers["case_routing.get_case_traces"] = case_routing.GetCaseTracesResponse(
        traces=traces, districts=["320508"]
    )
    told = ask("GET", f"/v1/cases/{NUMBER}/trace", "operator").json()
    assert (told["spans_available"], told["spans"], told["traces"][0]["trace_id"]) == (False, [], "ab" * 16)

    class Source:
        async def batches(self, ids):
            return [{"resource": list(ids)}]

    gateway.app.state.trace_source = Source()
    told = ask("GET", f"/v1/cases/{NUMBER}/trace", "operator").json()
    assert (told["spans_available"], told["spans"]) == (True, [{"resource": ["ab" * 16]}])


def test_readiness_names_what_is_missing(gateway, ask) -> None:
    answer = ask("GET", "/readyz")
    assert (answer.status_code, answer.json()) == (503, {"ready": False, "not_ready": ["bus", "keys"]})
    assert ask("GET", "/livez").status_code == 200


@pytest.mark.parametrize(("method", "path", "status", "code"), [("GET", "/v2", 404, "request.no_such_resource"), ("DELETE", "/v1/items", 405, "request.method_not_allowed"),
                                                                ("GET", "/v1/items/", 404, "request.no_such_resource"), ("OPTIONS", "/v1/cases", 405, "request.method_not_allowed")])  # fmt: skip
def test_what_http_refuses_is_a_problem_too(ask, method, path, status, code) -> None:
    answer = ask(method, path, "citizen")
    assert (answer.status_code, answer.json()["code"], answer.headers["content-type"]) == (
        status,
        code,
        "application/problem+json",
    )
    assert status != 405 or answer.headers["allow"]


def test_a_refused_method_is_told_every_method_of_the_address(ask) -> None:
    for path, methods in (
        ("/v1/cases", "GET, POST"),
        ("/v1/items/a", "GET, PUT"),
        ("/livez", "GET"),
        ("/v1/kiosks/k/heartbeats", "POST"),
    ):
        assert ask("DELETE", path, "citizen").headers["allow"] == methods


def test_twenty_point_nought_is_the_integer_that_json_says_it_is(gateway, ask) -> None:
    assert (
        ask("PUT", "/v1/items/a", "publisher", json={**items.EXAMPLE, "statutory_limit_days": 20.0}).status_code == 200
    )
    assert (
        ask("PUT", "/v1/items/a", "publisher", json={**items.EXAMPLE, "statutory_limit_days": 20.5}).status_code == 422
    )
    assert (
        ask("PUT", "/v1/items/a", "publisher", json={**items.EXAMPLE, "statutory_limit_days": True}).status_code == 422
    )


def test_if_match_beyond_what_the_document_describes_is_refused_by_name() -> None:
    with pytest.raises(Fault) as refused:
        expected_version("3")
    assert (refused.value.code, refused.value.kind) == ("request.bad_if_match", Kind.INVALID)
    assert expected_version('"1", "2"') == -1


def test_a_body_that_does_not_arrive_is_not_waited_for(gateway, monkeypatch) -> None:
    monkeypatch.setattr("chassis.edge.bodies.BODY_TIMEOUT_S", 0.05)

    async def never():
        yield b"{"
        await asyncio.sleep(5)

    headers = {**KEY, "Content-Type": "application/json"}
    answer = asyncio.run(gateway.send("POST", "/v1/cases", "citizen", content=never(), headers=headers))
    assert (answer.status_code, answer.json()["code"]) == (408, "request.too_slow")


def test_a_problem_names_the_trace_that_an_operator_can_look_up(ask) -> None:
    trace = "ab" * 16
    answer = ask("GET", "/nothing", headers={"traceparent": f"00-{trace}-{'cd' * 8}-01"})
    assert answer.json()["trace_id"] == trace


PNG = b"\x89PNG\r\n\x1a\n"


def opened(gateway, ask, **fields):
    content = fields.pop("content", PNG)
    values = {"key": "photo", "name": "照片 1.png", "media_type": "image/png", "content": content}
    gateway.bus.answers["case_routing.get_material"] = case_routing.Material(
        **values | fields, size=len(content), sha256=hashlib.sha256(content).hexdigest()
    )
    return ask("GET", f"/v1/cases/{NUMBER}/materials/photo", "clerk")


def test_a_material_goes_out_octet_for_octet_with_its_name_and_digest(gateway, ask) -> None:
    answer = opened(gateway, ask)
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, PNG, "image/png")
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''%E7%85%A7%E7%89%87%201.png"
    digest = base64.b64encode(hashlib.sha256(PNG).digest()).decode()
    assert answer.headers["repr-digest"] == f"sha-256=:{digest}:"
    ((method, request, _),) = gateway.bus.calls
    assert (method, request.number, request.key) == ("case_routing.get_material", NUMBER, "photo")


@pytest.mark.parametrize("kind", ["text/html", "image/svg+xml", "application/xhtml+xml", "text/javascript", "x", ""])
def test_a_material_that_could_act_in_a_browser_is_octets(gateway, ask, kind) -> None:
    answer = opened(gateway, ask, media_type=kind, name="a.html", content=b"<script>alert(1)</script>")
    assert answer.headers["content-type"] == "application/octet-stream"


@pytest.mark.parametrize("kind", ["image/png", "text/plain", "text/html", "IMAGE/PNG"])
def test_whatever_a_material_is_it_is_an_attachment_in_a_sandbox_that_nobody_keeps(gateway, ask, kind) -> None:
    headers = opened(gateway, ask, media_type=kind).headers
    assert headers["content-disposition"].startswith("attachment;")
    assert headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert (headers["x-content-type-options"], headers["cache-control"]) == ("nosniff", "no-store")


@pytest.mark.parametrize(
    "name", ['a"; filename=b.exe', "a\r\nX-Evil: 1", "../../etc/passwd", "%0d%0a", "\u202egnp.exe"]
)
def test_no_name_of_a_file_gets_out_of_its_header(gateway, ask, name) -> None:
    answer = opened(gateway, ask, name=name)
    told = answer.headers["content-disposition"].removeprefix("attachment; filename*=UTF-8''")
    assert all(letter.isalnum() or letter in "%._-~" for letter in told)
    assert "x-evil" not in answer.headers


@pytest.mark.parametrize("key", ["A", "a-b", "a" * 65, "%00"])
def test_a_key_that_no_material_can_have_is_not_asked_for(gateway, ask, key) -> None:
    assert ask("GET", f"/v1/cases/{NUMBER}/materials/{key}", "clerk").status_code in (404, 422)
    assert gateway.bus.calls == []
