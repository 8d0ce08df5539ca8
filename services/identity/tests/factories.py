"""Values that tests of identity start from."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

from identity.domain.firms import Firm, Mandate
from identity.domain.grants import Code, Grant
from identity.domain.model import Account, AccountKind, Assurance, Client, Person, Role
from joserfc import jws
from joserfc.jwk import OKPKey

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
PASSWORD = "right horse battery staple"
#: Valid by GB 11643; nobody born in 1880 lives.
ID_NUMBER = "110101188001010011"
OTHER_NUMBER = "110101188001010353"
#: Published as an example of GB 32100.
CREDIT_CODE = "91350100M000100Y43"
KEY = '{"crv":"Ed25519","kty":"OKP","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}'
OTHER_KEY = '{"crv":"Ed25519","kty":"OKP","x":"d75a980182b10ab7d54bfed3c964073a0ee172f3daA"}'


def account(login: str = "citizen", *, role: Role = Role.CITIZEN, id_number: str = ID_NUMBER, **changes) -> Account:
    person = Person("张三丰", id_number if role is Role.CITIZEN else "", f"{login}@sample.example", "", "zh-Hans")
    fields = {
        "subject": f"subject-{login}",
        "login": login,
        "kind": AccountKind.PERSON if role is Role.CITIZEN else AccountKind.STAFF,
        "roles": frozenset({role}),
        "acr": Assurance.L4,
        "person": person,
    }
    return Account(**fields | changes)


def firm(**changes) -> Firm:
    fields = {
        "subject": "firm-1",
        "name": "样例科技有限公司",
        "credit_code": CREDIT_CODE,
        "representative": "subject-leader",
        "acr": Assurance.L4,
        "registered_at": NOW,
    }
    return Firm(**fields | changes)


def mandate(id: str = "m-1", **changes) -> Mandate:
    fields = {
        "id": id,
        "firm": "firm-1",
        "handler_name": "张三丰",
        "handler_number": ID_NUMBER,
        "starts_at": NOW,
        "ends_at": NOW + timedelta(days=30),
        "item_codes": frozenset(),
        "granted_by": "subject-leader",
        "granted_at": NOW,
    }
    return Mandate(**fields | changes)


def client(client_id: str = "kiosk-1", **changes) -> Client:
    return Client(
        **{"client_id": client_id, "public_jwk": KEY, "roles": frozenset({Role.KIOSK}), "registered_at": NOW} | changes
    )


GUSU, HUANGPU, TIANNING = "320508", "310101", "320402"
ROOT = OKPKey.generate_key("Ed25519", {"kid": "root", "alg": "EdDSA"})


def a_member(code: str, **changes) -> dict:
    """A district as the registry of districts has it."""
    return {
        "code": code,
        "name_zh": f"{code} 区",
        "name_en": f"District {code}",
        "relation": "alliance",
        "linked_to": [],
        "state": "active",
        "broker": "127.0.0.1:5671",
        "issuer": f"https://{code}.example",
        "keys": [],
    } | changes


def a_registry(
    *members: dict, version: int = 1, expires_at: str = "2027-01-01T00:00:00.000000Z", key: OKPKey = ROOT, alg="EdDSA"
) -> str:
    """The file's text, signed."""
    payload = {
        "format": "tongban-registry/1",
        "version": version,
        "issued_at": "2026-11-01T00:00:00.000000Z",
        "expires_at": expires_at,
        "members": list(members or (a_member(GUSU), a_member(HUANGPU))),
    }
    body = json.dumps(payload, separators=(",", ":"), sort_keys=True).encode()
    signed = jws.serialize_json([{"protected": {"alg": alg, "kid": "root"}}], body, key, algorithms=[alg])
    encoded = base64.urlsafe_b64encode(body).rstrip(b"=").decode()
    return json.dumps({"payload": encoded, "signatures": signed["signatures"]})


def grant(grant_id: str = "grant-1", **changes) -> Grant:
    fields = {
        "id": grant_id,
        "client_id": "portal",
        "sid": "sid-a",
        "subject": "subject-citizen",
        "scope": "openid offline_access",
        "acr": "L4",
        "auth_time": NOW,
        "begun_at": NOW,
    }
    return Grant(**fields | changes)


def code(key: str = "code-1", **changes) -> Code:
    uri = "https://portal.example/signed-in"
    fields = {
        "key": key,
        "redirect_uri": uri,
        "challenge": "c" * 43,
        "nonce": "",
        "expires_at": NOW + timedelta(minutes=1),
    }
    return Code(**fields | changes)
