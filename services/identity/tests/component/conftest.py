"""The web process put together on a real database, with the sample accounts and one kiosk; or running, over HTTPS."""

from __future__ import annotations

import json

import pytest
from chassis.clock import FixedClock, new_id
from chassis.sealed import FieldKeys
from identity import samples
from identity.adapters.client_keys import canonical_key
from identity.http.parts import build as build_parts
from identity.http.settings import HttpSettings
from joserfc.jwk import OKPKey

from ..factories import PASSWORD, client
from ..provider import Provider, load_people
from .web import FIELD_KEY, ISSUER, KIOSK_KEY


@pytest.fixture(scope="module")
def parts(database, tmp_path_factory):
    folder = tmp_path_factory.mktemp("identity")
    keys = [OKPKey.generate_key("Ed25519", {"kid": kid}).as_dict(private=True) for kid in ("now", "before")]
    (folder / "keys").write_text(json.dumps({"keys": keys}))
    settings = HttpSettings(
        district="320508",
        database_url=database.url,
        field_key=FieldKeys.of(FIELD_KEY),
        signing_keys=folder / "keys",
        issuer=ISSUER,
        listen_address="127.0.0.1:0",
        tls_certificate=folder / "-",
        tls_key=folder / "-",
        ca_file=folder / "-",
        proofing="development",
        trial=True,
    )
    clock = FixedClock()
    parts = build_parts(settings, clock, new_id)
    loading = samples.Settings(database_url=database.url, field_key=FieldKeys.of(FIELD_KEY))
    people = list(samples.read_samples())
    given = {sample.login: PASSWORD for sample in people}
    loaded, firms = samples.load_all(loading, people, list(samples.read_sample_firms()), given, clock)
    assert (loaded["new"], firms) == (len(people), 1)
    key = canonical_key(json.dumps(KIOSK_KEY.as_dict(private=False)))
    parts._within(lambda work: work.clients.add(client(public_jwk=key)))
    yield parts
    parts.database.close()


@pytest.fixture
def clock(parts):
    before = parts.clock.at
    yield parts.clock
    parts.clock.at = before


@pytest.fixture(scope="module")
def provider(database, tmp_path_factory):
    running = Provider(database.url, tmp_path_factory.mktemp("provider"))
    load_people(running)
    yield running
    running.stop()


@pytest.fixture
def its_clock(provider):
    """Put back after the test."""
    before = provider.clock.at
    yield provider.clock
    provider.clock.at = before


@pytest.fixture
def person(provider):
    """The browser of a citizen who is signed in."""
    with provider.browser() as there:
        provider.sign_in(there)
        yield there


@pytest.fixture
def stranger(provider):
    """A browser in which nobody is signed in."""
    with provider.browser() as there:
        yield there
