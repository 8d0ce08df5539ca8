"""The web process put together on a real database, with the sample accounts and one kiosk."""

from __future__ import annotations

import json

import pytest
from chassis.clock import FixedClock, new_id
from identity import samples
from identity.adapters.client_keys import canonical_key
from identity.http.parts import build as build_parts
from identity.http.settings import HttpSettings
from joserfc.jwk import OKPKey

from ..factories import PASSWORD, client
from .web import FIELD_KEY, ISSUER, KIOSK_KEY


@pytest.fixture(scope="module")
def parts(database, tmp_path_factory):
    folder = tmp_path_factory.mktemp("identity")
    keys = [OKPKey.generate_key("Ed25519", {"kid": kid}).as_dict(private=True) for kid in ("now", "before")]
    (folder / "keys").write_text(json.dumps({"keys": keys}))
    settings = HttpSettings(
        district="320508",
        database_url=database.url,
        field_key=FIELD_KEY,
        signing_keys=folder / "keys",
        issuer=ISSUER,
        listen_address="127.0.0.1:0",
        tls_certificate=folder / "-",
        tls_key=folder / "-",
    )
    parts = build_parts(settings, FixedClock(), new_id)
    loading = samples.Settings(database_url=database.url, field_key=FIELD_KEY)
    people = list(samples.read_samples())
    assert samples.load(loading, people, {sample.login: PASSWORD for sample in people})["new"] == len(people)
    key = canonical_key(json.dumps(KIOSK_KEY.as_dict(private=False)))
    parts._within(lambda work: work.clients.add(client(public_jwk=key)))
    yield parts
    parts.database.close()


@pytest.fixture
def clock(parts):
    before = parts.clock.at
    yield parts.clock
    parts.clock.at = before
