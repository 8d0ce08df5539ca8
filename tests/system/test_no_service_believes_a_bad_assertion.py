"""Every service on the bus, given every kind of assertion that nobody may believe, over the wire.

The gateway signs for whom a call is made, and each service checks that itself: who gets as far as the broker still cannot
act for somebody. Each bad one stands beside a good one that differs from it in one thing only.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from uuid import uuid4

import pika
import pytest
from chassis.wire import ASSERTION_HEADER, JSON, RPC_EXCHANGE
from joserfc.jwk import OKPKey

from tests.support.bad_tokens import ABSENT, Genuine, bad_tokens

#: Two methods of each service: for certain roles, or for any service of the table, which must not overlook it either.
METHODS = [
    *("catalogue.publish_item", "catalogue.get_item"),
    *("identity.disable_account", "identity.get_contact"),
    *("case_routing.get_case", "case_routing.list_worklist"),
    *("terminal_fleet.get_kiosk", "terminal_fleet.list_kiosks"),
    *("hotline.get_ticket", "hotline.list_tickets"),
    *("notification.mark_message_read", "notification.list_messages"),
    *("courier.list_links", "courier.list_quarantine"),
]
EVERY_ROLE = ["citizen", "clerk", "operator", "agent", "fleet_manager", "publisher", "kiosk", "partner"]
STRANGER = OKPKey.generate_key("Ed25519", {"kid": "stranger"})
#: What would be good elsewhere.
WRONG_HERE = {
    "another district's audience": {"aud": "310101"},
    "made by another district's edge": {"iss": "edge:310101", "aud": "310101"},
    "an audience in a list": {"aud": ["320508"]},
    "a name that is a list": {"name": ["x"]},
    "a firm that is a list": {"acting_for": ["firm"]},
    "a strength that is not said": {"acr": ABSENT},
}
HEADERS = {"an access token": {"typ": "at+jwt"}, "a logout token": {"typ": "logout+jwt"}}


def genuine(gusu) -> Genuine:
    now, key = int(time.time()), gusu.district.edge_key
    claims = {
        "iss": "edge:320508", "aud": "320508", "iat": now, "exp": now + 60, "sub": "nobody-in-particular", "district": "320508",
        "roles": EVERY_ROLE, "acr": "L5", "client_id": "portal", "name": "",
    }  # fmt: skip
    return Genuine(key, {"alg": "EdDSA", "kid": key.kid}, claims)


class Caller:
    """Calls over one connection of the trial account, each with an assertion of its own."""

    def __init__(self, url: str) -> None:
        self._connection = pika.BlockingConnection(pika.URLParameters(url))
        self._channel, self._reply_to = self._connection.channel(), str(uuid4())
        self._queue = f"rpc.reply-standalone_rpc_proxy-{self._reply_to}"
        self._channel.queue_declare(self._queue, exclusive=True)
        self._channel.queue_bind(self._queue, RPC_EXCHANGE, self._reply_to)

    def codes(self, method: str, assertions: dict[str, str]) -> dict[str, str]:
        """What `method` refuses each call with; empty where it answered."""
        for name, assertion in assertions.items():
            properties = pika.BasicProperties(
                reply_to=self._reply_to, correlation_id=name, content_type=JSON, headers={ASSERTION_HEADER: assertion}
            )
            self._channel.basic_publish(RPC_EXCHANGE, method, b'{"args": [{}], "kwargs": {}}', properties)
        told: dict[str, str] = {}
        for _, properties, body in self._channel.consume(self._queue, auto_ack=True, inactivity_timeout=20):
            assert body is not None, f"no answer to {sorted(assertions.keys() - told.keys())}"
            told[properties.correlation_id] = (json.loads(body)["error"] or {}).get("exc_type", "")
            if len(told) == len(assertions):
                break
        self._channel.cancel()
        return told

    def close(self) -> None:
        self._connection.close()


@pytest.fixture(scope="module")
def caller(gusu) -> Iterator[Caller]:
    made = Caller(gusu.district.trial_url)
    yield made
    made.close()


@pytest.mark.parametrize("method", METHODS)
def test_a_bad_assertion_gets_nobody_anywhere_and_the_good_one_beside_it_does(gusu, caller, method) -> None:
    good = genuine(gusu)
    bad = {
        **bad_tokens(good, STRANGER),
        **{name: good.token(**changes) for name, changes in WRONG_HERE.items()},
        **{name: good.token(header=header) for name, header in HEADERS.items()},
    }
    assert len(bad) > 60
    controls = {f"good beside {name}": good.token(jti=name) for name in bad}
    assert set(caller.codes(method, bad).values()) == {"rpc.bad_assertion"}
    assert not {code for code in caller.codes(method, controls).values() if code.startswith("rpc.")}


def test_a_claim_of_roles_without_an_assertion_is_not_looked_at(gusu, caller) -> None:
    assert caller.codes("case_routing.list_worklist", {"nothing": ""}) == {"nothing": "rpc.forbidden"}
