"""What the table promises of the definitions before any broker has loaded them."""

from __future__ import annotations

import json
import re

import pytest
from tongban_broker.bus import LOCK, Bus
from tongban_broker.definitions import Accounts, definitions, hashed
from tongban_broker.lock import lock_text, main

BUS = Bus.load()
PASSWORDS = {user: f"secret of {user}" for user in BUS.users}
MADE = definitions(BUS, Accounts(PASSWORDS, ("310101", "320508"), monitor="m"))


def policies_of(queue: dict) -> list[dict]:
    rows = [row for row in MADE["policies"] if row["vhost"] == queue["vhost"]]
    return [row["definition"] for row in rows if re.search(row["pattern"], queue["name"])]


def test_the_same_table_and_secrets_give_the_same_bytes() -> None:
    again = definitions(Bus.load(), Accounts(dict(reversed(PASSWORDS.items())), ("310101", "320508"), monitor="m"))
    assert json.dumps(again) == json.dumps(MADE)


def test_no_password_stands_in_them() -> None:
    assert "secret of" not in json.dumps(MADE)
    assert hashed("a", "same") != hashed("b", "same")


def test_a_service_without_a_password_is_named() -> None:
    with pytest.raises(ValueError, match="no broker password for gateway"):
        definitions(BUS, Accounts({user: "x" for user in BUS.users if user != "gateway"}))


def test_the_trial_account_exists_only_where_it_is_asked_for() -> None:
    asked = definitions(BUS, Accounts(PASSWORDS, trial="t"))
    assert "trial" in {row["name"] for row in asked["users"]}
    assert "trial" not in json.dumps(MADE)


@pytest.mark.parametrize("queue", MADE["queues"], ids=lambda queue: queue["name"])
def test_every_queue_has_one_policy_with_a_limit_and_no_argument_but_its_type(queue: dict) -> None:
    assert set(queue["arguments"]) <= {"x-queue-type"}
    (policy,) = policies_of(queue)
    assert {"max-length", "max-length-bytes", "message-ttl"} & set(policy)


@pytest.mark.parametrize("queue", [q["name"] for q in MADE["queues"] if q["name"].startswith("evt.")])
def test_every_event_queue_has_a_parking_queue_of_its_service_behind_it(queue: str) -> None:
    (policy,) = policies_of({"name": queue, "vhost": "district"})
    service = queue.split(".")[1]
    assert (policy["dead-letter-exchange"], policy["dead-letter-routing-key"]) == ("parking", service)
    bound = {(row["source"], row["routing_key"], row["destination"]) for row in MADE["bindings"]}
    assert ("parking", service, f"park.{service}") in bound


def test_every_topic_exchange_that_a_service_may_name_limits_its_keys() -> None:
    topics = {row["name"] for row in MADE["exchanges"] if row["type"] == "topic"}
    limited = {(row["user"], row["exchange"]) for row in MADE["topic_permissions"]}
    for row in MADE["permissions"]:
        for exchange in topics:
            if re.search(row["write"], exchange) or re.search(row["read"], exchange):
                assert (row["user"], exchange) in limited


def test_the_lock_file_names_every_queue() -> None:
    assert LOCK.read_text() == lock_text(BUS), "a queue was renamed, added or removed: python -m tongban_broker.lock"


def test_a_renamed_handler_is_named_by_the_check(monkeypatch, tmp_path, capsys) -> None:
    lock = tmp_path / "queues.lock"
    lock.write_text(lock_text(BUS).replace("on_case_progressed", "on_case_moved"))
    monkeypatch.setattr("tongban_broker.lock.LOCK", lock)
    assert main(["--check"]) == 1
    said = capsys.readouterr().err
    assert "gone, with whatever waits in it: district evt.notification.on_case_moved" in said
    assert "not in the lock file: district evt.notification.on_case_progressed" in said
