"""Values that tests of identity start from."""

from __future__ import annotations

from datetime import UTC, datetime

from identity.domain.model import Account, AccountKind, Assurance, Client, Person, Role

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
PASSWORD = "right horse battery staple"
#: Valid by GB 11643; nobody born in 1880 lives.
ID_NUMBER = "110101188001010011"
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


def client(client_id: str = "kiosk-1", **changes) -> Client:
    return Client(
        **{"client_id": client_id, "public_jwk": KEY, "roles": frozenset({Role.KIOSK}), "registered_at": NOW} | changes
    )
