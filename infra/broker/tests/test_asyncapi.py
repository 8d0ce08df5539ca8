"""proto/asyncapi.yaml is what bus.yaml and the contracts say, is AsyncAPI 3.0, and its contracts compile by themselves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from grpc_tools import protoc
from tongban_broker.asyncapi import FILE, main, written
from tongban_broker.bus import OUTBOUND, Bus
from tongban_broker.contracts import PROTO, contract, definitions_missing, descriptor_of, meaning
from tongban_broker.definitions import Accounts, definitions

from infra.broker.tests import asyncapi_parts

BUS = Bus.load()
DOCUMENT = yaml.safe_load(written(BUS))


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        for key, value in part.items():
            yield from [value] if key == "$ref" else references(value)
    elif isinstance(part, list):
        for each in part:
            yield from references(each)


def channel_of(operation: dict) -> dict:
    return DOCUMENT["channels"][operation["channel"]["$ref"].removeprefix("#/channels/")]


def test_the_file_is_what_the_table_and_the_contracts_say() -> None:
    assert FILE.read_text() == written(BUS), "run: python -m tongban_broker.asyncapi"


def test_check_tells_when_it_is_not(tmp_path, monkeypatch, capsys) -> None:
    (tmp_path / "asyncapi.yaml").write_text("asyncapi: 3.0.0\n")
    monkeypatch.setattr("tongban_broker.asyncapi.FILE", tmp_path / "asyncapi.yaml")
    assert main(["--check"]) == 1
    assert "python -m tongban_broker.asyncapi" in capsys.readouterr().err
    assert main([]) == main(["--check"]) == 0


def test_it_is_asyncapi_three() -> None:
    jsonschema_rs.Draft202012Validator(asyncapi_parts.DOCUMENT).validate(DOCUMENT)


@pytest.mark.parametrize("spoilt", ["operations", "channels", "info", "components"])
def test_the_schema_finds_what_is_no_asyncapi(spoilt: str) -> None:
    """Else the test before proves nothing."""
    wrong = {**DOCUMENT, spoilt: {"x": {"no such key": 1}}}
    assert not jsonschema_rs.Draft202012Validator(asyncapi_parts.DOCUMENT).is_valid(wrong)


def test_every_reference_leads_somewhere() -> None:
    for reference in references(DOCUMENT):
        found: Any = DOCUMENT
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]


def test_every_delivery_of_the_broker_is_described_and_none_besides() -> None:
    described = set()
    for operation in DOCUMENT["operations"].values():
        if operation["action"] == "receive" and operation["x-queue"] != OUTBOUND:
            channel, queue = channel_of(operation), operation["x-queue"]
            key = channel["address"].replace("{service}", queue.split(".")[1])
            described.add((channel["bindings"]["amqp"]["exchange"]["name"], key, queue))
    assert described == set(BUS.deliveries())


def test_every_exchange_and_queue_that_it_names_is_declared_by_the_broker() -> None:
    made = definitions(BUS, Accounts(dict.fromkeys(BUS.users, "secret")))
    exchanges = {row["name"]: row["type"] for row in made["exchanges"] if row["vhost"] == "district"}
    queues = {row["name"] for row in made["queues"]}
    for channel in DOCUMENT["channels"].values():
        bound = channel["bindings"]["amqp"]
        if bound["is"] == "queue":
            assert bound["queue"]["name"] in queues
        else:
            assert exchanges[bound["exchange"]["name"]] == bound["exchange"]["type"]
    assert {one["x-queue"] for one in DOCUMENT["operations"].values() if "x-queue" in one} <= queues


def test_whoever_sends_has_the_right_to() -> None:
    sends = {
        (one["bindings"]["amqp"]["userId"], channel_of(one)["bindings"]["amqp"]["exchange"]["name"])
        for one in DOCUMENT["operations"].values()
        if one["action"] == "send"
    }
    assert sends == {
        *((source, f"{source}.events") for source in BUS.events),
        *((one.source, "courier.outbound") for one in BUS.courier),
        ("courier", "courier.events"),
    }


@pytest.mark.parametrize("name", sorted(DOCUMENT["components"]["messages"]))
def test_a_messages_contract_compiles_by_itself_to_what_the_services_use(name: str, tmp_path: Path) -> None:
    described = DOCUMENT["components"]["messages"][name]
    file, out = tmp_path / "one.proto", tmp_path / "one.pb"
    file.write_text(described["payload"]["schema"])
    words = ["protoc", f"-I{tmp_path}", f"-I{PROTO}", f"-I{Path(protoc.__file__).parent / '_proto'}"]
    assert protoc.main([*words, f"--descriptor_set_out={out}", str(file)]) == 0
    (compiled,) = FileDescriptorSet.FromString(out.read_bytes()).file
    original = descriptor_of(described["name"])
    fields = [(field.name, field.number) for field in compiled.message_type[0].field]
    assert compiled.message_type[0].name == original.name
    assert fields == [(field.name, field.number) for field in original.fields]


def test_every_definition_of_the_contracts_is_found_in_their_text() -> None:
    files = {descriptor_of(one["name"]).file for one in DOCUMENT["components"]["messages"].values()}
    assert len(files) > 4
    assert {name for file in files for name in definitions_missing(file)} == set()


def test_a_message_is_told_in_the_words_of_its_comment() -> None:
    offered = descriptor_of("tongban.case_routing.v1.HandOverOffered")
    assert meaning(offered)
    assert contract(offered).splitlines()[0] == 'syntax = "proto3";'
