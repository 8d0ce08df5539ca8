"""The one table of the bus agrees with what the services do, and every message has somewhere to go."""

from __future__ import annotations

import importlib
import re

import pytest

from .conftest import SERVICES, service_class

entrypoints_of = importlib.import_module("chassis.rpc")
subscriptions_of = importlib.import_module("chassis.subscriber")
gateway_rules = importlib.import_module("gateway.rules")


def entrypoints(name: str, kind: type) -> dict[str, list]:
    found: dict[str, list] = {}
    cls = service_class(name)
    for method in dir(cls):
        for entrypoint in getattr(getattr(cls, method), "nameko_entrypoints", ()):
            if isinstance(entrypoint, kind):
                found.setdefault(method, []).append(entrypoint)
    return found


def snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_answers_exactly_the_methods_of_its_contract(name: str) -> None:
    contract = service_class(name).contract
    assert set(entrypoints(name, entrypoints_of.Rpc)) == {snake(method.name) for method in contract.methods}


@pytest.mark.parametrize("name", SERVICES)
def test_every_method_says_who_may_call_it(name: str) -> None:
    silent = [method for method, (rpc, *_) in entrypoints(name, entrypoints_of.Rpc).items() if not rpc.allow]
    assert silent == []


def test_every_call_in_the_table_names_a_method_that_exists(bus: dict) -> None:
    known = {f"{name}.{method}" for name in SERVICES for method in entrypoints(name, entrypoints_of.Rpc)}
    named = {method for methods in bus["calls"].values() for method in methods}
    assert named - known == set()


def test_calls_between_services_have_no_cycle(bus: dict) -> None:
    graph = {caller: {method.split(".")[0] for method in methods} for caller, methods in bus["calls"].items()}

    def reaches(start: str, goal: str, seen: frozenset[str] = frozenset()) -> bool:
        return any(
            step == goal or (step not in seen and reaches(step, goal, seen | {step})) for step in graph.get(start, ())
        )

    assert [service for service in graph if reaches(service, service)] == []


def test_every_subscription_stands_in_the_table_and_every_row_has_its_handler(bus: dict) -> None:
    local = {
        (f"tongban.{source}.v1.{event}", handler)
        for source, events in bus["events"].items()
        for event, handlers in events.items()
        for handler in handlers
    }
    crossing = {(kind, row["to"]) for kind, row in bus["courier"].items()}
    found_local, found_crossing = set(), set()
    for name in SERVICES:
        for method, subscriptions in entrypoints(name, subscriptions_of.Subscriber).items():
            for subscription in subscriptions:
                target = found_crossing if subscription.via_courier else found_local
                if subscription.event_type is not None:  # the courier takes in messages of every type
                    target.add((subscription.event_type.DESCRIPTOR.full_name, f"{name}.{method}"))
    assert found_local == local
    assert found_crossing == crossing


def test_every_event_and_courier_message_is_in_the_contracts(bus: dict) -> None:
    kinds = {f"tongban.{source}.v1.{event}" for source, events in bus["events"].items() for event in events}
    for kind in kinds | set(bus["courier"]):
        package, _, message = kind.rpartition(".")
        module = importlib.import_module(f"{package}.{package.split('.')[1]}_pb2")
        assert message in module.DESCRIPTOR.message_types_by_name, kind


@pytest.mark.parametrize("route", [route for route, rule in gateway_rules.RULES.items() if rule.roles])
def test_a_route_lets_in_exactly_the_roles_that_the_methods_behind_it_let_in(bus: dict, route: str) -> None:
    """The gateway's table is no second opinion: who is let in there is let in here, and nobody else by either."""
    rule = gateway_rules.RULES[route]
    for method in rule.at:
        assert method in bus["calls"]["gateway"]
        service, _, name = method.partition(".")
        (entrypoint,) = entrypoints(service, entrypoints_of.Rpc)[name]
        assert entrypoint.allow == entrypoints_of.SERVICE or set(entrypoint.allow) == set(rule.roles), method
        assert entrypoint.allow == entrypoints_of.SERVICE or not rule.anybody, "a call for nobody"
