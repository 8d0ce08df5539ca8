"""nameko's own ClusterRpcProxy calls every method of every contract with JSON, as an engineer at 3 a.m. would.

The methods are enumerated from proto/, so a new one is tried without a change here. Each answers with a result, or with
one of the service's own codes: never with an error of the wire, never with `internal`.
"""

from __future__ import annotations

import importlib
import re

import pytest
from chassis.assertion import Actor, sign_assertion
from chassis.clock import SystemClock
from google.protobuf import json_format
from google.protobuf.message_factory import GetMessageClass
from nameko.exceptions import RemoteError
from nameko.standalone.rpc import ClusterRpcProxy

SERVICES = ("catalogue", "identity", "case_routing", "terminal_fleet", "hotline", "notification", "courier")
ROLES = frozenset({"citizen", "clerk", "operator", "agent", "fleet_manager", "publisher", "kiosk", "partner"})


def methods():
    for service in SERVICES:
        module = importlib.import_module(f"tongban.{service}.v1.{service}_pb2")
        for contract in module.DESCRIPTOR.services_by_name.values():
            for method in contract.methods:
                yield pytest.param(service, method, id=f"{service}.{method.name}")


@pytest.fixture(scope="module")
def proxy(gusu):
    actor = Actor("stock-client", gusu.code, ROLES, "L5", "stock")
    token = sign_assertion(actor, gusu.district.edge_key, clock=SystemClock(), audience=gusu.code, lifetime_s=300)
    config = {"AMQP_URI": gusu.district.trial_url, "serializer": "json"}
    with ClusterRpcProxy(config, context_data={"assertion": token}, timeout=15) as connected:
        yield connected


@pytest.mark.parametrize(("service", "method"), list(methods()))
def test_a_stock_client_gets_a_result_or_the_services_own_refusal(proxy, service, method) -> None:
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", method.name).lower()
    request = json_format.MessageToDict(GetMessageClass(method.input_type)())
    try:
        result = getattr(getattr(proxy, service), name)(request)
    except RemoteError as error:
        assert not error.exc_type.startswith(("rpc.", "internal")), error
        assert "." in error.exc_type
    else:
        json_format.ParseDict(result, GetMessageClass(method.output_type)())


def test_a_stock_client_reads_the_items_of_the_district(proxy) -> None:
    found = proxy.catalogue.list_items({"page": {"size": 5}})
    assert len(found["items"]) == 5


def test_a_refusal_reaches_a_stock_client_as_a_code_and_a_sentence(proxy) -> None:
    with pytest.raises(RemoteError) as refused:
        proxy.catalogue.get_item({"code": "no-such-item"})
    assert refused.value.exc_type == "catalogue.item_not_found"
    assert refused.value.value


def test_a_stock_client_without_an_assertion_acts_for_nobody(gusu) -> None:
    config = {"AMQP_URI": gusu.district.trial_url, "serializer": "json"}
    with ClusterRpcProxy(config, timeout=15) as bare, pytest.raises(RemoteError) as refused:
        bare.case_routing.list_worklist({})
    assert refused.value.exc_type == "rpc.forbidden"
