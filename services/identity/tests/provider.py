"""A district's provider over real HTTPS on a real database, people with browsers, and relying parties of several kinds."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
import ssl
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import uvicorn
from chassis.clock import FixedClock, new_id
from chassis.sealed import FieldKeys
from identity import samples
from identity.http.app import build
from identity.http.parts import Parts
from identity.http.parts import build as build_parts
from identity.http.settings import HttpSettings
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OKPKey
from tongban_local.certificates import Authority, Pair
from tongban_local.ports import free_port

from .factories import PASSWORD

HOST, DISTRICT = "127.20.9.1", "320508"
FIELD_KEY = base64.b64encode(b"k" * 32).decode()
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
PROGRAM = {"Tongban-CSRF": "1"}


@dataclass
class Party:
    """A relying party: what it registered, and its key (None: a public client)."""

    client_id: str
    redirect_uri: str
    scope: str
    key: OKPKey | ECKey | None = None
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def row(self) -> dict[str, Any]:
        """As it stands in the file."""
        proof = {"jwks": {"keys": [self.key.as_dict(private=False)]}} if self.key else {"public": True}
        name = {"zh": f"样例{self.client_id}", "en": f"Sample {self.client_id}"}
        known = {"client_id": self.client_id, "name": name, "redirect_uris": [self.redirect_uri]}
        return known | {"scopes": self.scope.split()} | proof | self.more

    def proof(self, issuer: str, now: int, **changes: Any) -> dict[str, str]:
        """The fields by which it proves who it is."""
        if self.key is None:
            return {"client_id": self.client_id}
        claims = {"iss": self.client_id, "sub": self.client_id, "aud": issuer, "jti": str(new_id()), "exp": now + 60}
        alg = "ES256" if isinstance(self.key, ECKey) else "EdDSA"
        signed = jwt.encode({"alg": alg}, claims | changes, self.key, algorithms=[alg])
        return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": signed}


def okp() -> OKPKey:
    return OKPKey.generate_key("Ed25519", private=True)


PORTAL = Party(
    "portal", "https://portal.example/signed-in", "openid profile offline_access api", okp(),
    {"post_logout_redirect_uris": ["https://portal.example/signed-out"]},
)  # fmt: skip
APP = Party("app", "http://127.0.0.1:8765/callback", "openid profile offline_access api.read")
SHOP = Party("shop", "https://shop.example/cb?site=1", "openid profile offline_access", okp())
#: Knows no EdDSA, as older software does not.
OLD = Party(
    "old", "https://old.example/cb", "openid", ECKey.generate_key("P-256", private=True), {"id_token_alg": "ES256"}
)
PARTIES = (PORTAL, APP, SHOP, OLD)


@dataclass
class Flow:
    """One request of a party: what it sent, and what it keeps to itself."""

    party: Party
    verifier: str
    fields: dict[str, str]


class Provider:
    """The running web process, in a thread, at a clock that the test moves."""

    def __init__(
        self,
        database_url: str,
        folder: Path,
        parties: tuple[Party, ...] = PARTIES,
        lifespan: str = "on",
        **settings: Any,
    ) -> None:
        """`lifespan` off: it answers requests, and does nothing beside them."""
        authority = Authority(folder / "authority")
        pair = authority.server(Pair.at(folder, "server"), HOST)
        port = free_port(HOST)
        self.issuer = f"https://{HOST}:{port}"
        self.context = ssl.create_default_context(cafile=str(authority.certificate))
        signing = [OKPKey.generate_key("Ed25519", {"kid": kid}) for kid in ("now", "before")]
        signing.append(ECKey.generate_key("P-256", {"kid": "for-old"}))  # type: ignore[arg-type]
        (folder / "keys").write_text(json.dumps({"keys": [key.as_dict(private=True) for key in signing]}))
        (folder / "parties").write_text(json.dumps([party.row for party in parties]))
        told = HttpSettings(
            district=DISTRICT, database_url=database_url, field_key=FieldKeys.of(FIELD_KEY), signing_keys=folder / "keys",
            relying_parties=(str(folder / "parties"),), issuer=self.issuer, listen_address=f"{HOST}:{port}",
            tls_certificate=pair.certificate, tls_key=pair.key, ca_file=authority.certificate, **settings,
        )  # fmt: skip
        self.clock = FixedClock()
        self.parts: Parts = build_parts(told, self.clock, new_id)
        config = uvicorn.Config(
            build(self.parts), host=HOST, port=port, ssl_certfile=pair.certificate, ssl_keyfile=pair.key, log_config=None,
            lifespan=lifespan,
        )  # fmt: skip
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        deadline = time.monotonic() + 30
        while not self._server.started and time.monotonic() < deadline:
            time.sleep(0.02)
        assert self._server.started

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(20)
        self.parts.database.close()

    @property
    def now(self) -> int:
        return int(self.clock.now().timestamp())

    def browser(self, **more: Any) -> httpx.Client:
        """A browser of its own: it keeps cookies as they say, and follows nothing by itself."""
        headers = {"Accept": "text/html", **more.pop("headers", {})}
        return httpx.Client(
            verify=self.context, base_url=self.issuer, headers=headers, timeout=60, trust_env=False, **more
        )

    def keys(self) -> KeySet:
        with self.browser() as there:
            return KeySet.import_key_set(there.get("/jwks.json").json())

    def claims(self, token: str) -> dict[str, Any]:
        return dict(jwt.decode(token, self.keys(), algorithms=["EdDSA", "ES256"]).claims)

    def flow(self, party: Party = PORTAL, **changes: str | None) -> Flow:
        """A request as `party` makes one; `changes` changes or (None) leaves out fields."""
        verifier = secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        fields = {
            "response_type": "code", "client_id": party.client_id, "redirect_uri": party.redirect_uri, "scope": party.scope,
            "state": secrets.token_urlsafe(12), "nonce": secrets.token_urlsafe(12), "code_challenge": challenge,
            "code_challenge_method": "S256",
        } | changes  # fmt: skip
        return Flow(party, verifier, {name: value for name, value in fields.items() if value is not None})

    def ask(self, there: httpx.Client, flow: Flow) -> httpx.Response:
        return there.get(f"/authorize?{urlencode(flow.fields)}")

    def sign_in(self, there: httpx.Client, login: str = "citizen", at: str = "/sign-in") -> httpx.Response:
        """Through the form at `at`, with every hidden field that it has."""
        page = there.get(at)
        hidden = dict(re.findall(r'<input type="hidden" name="([a-z_]+)" value="([^"]*)"', page.text))
        return there.post("/sign-in", data=hidden | {"login": login, "password": PASSWORD})

    def code(self, there: httpx.Client, flow: Flow) -> str:
        """For somebody who is signed in."""
        back = answer_of(self.ask(there, flow))
        assert "code" in back, back
        return back["code"]

    def redeem(
        self, flow: Flow, code: str, proof: dict[str, str] | None = None, **changes: str | None
    ) -> httpx.Response:
        fields = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": flow.party.redirect_uri,
            "code_verifier": flow.verifier,
        } | changes  # fmt: skip
        return self.token(flow.party, fields, proof)

    def refresh(self, party: Party, token: str, **changes: str | None) -> httpx.Response:
        return self.token(party, {"grant_type": "refresh_token", "refresh_token": token} | changes)

    def token(
        self, party: Party, fields: dict[str, Any], proof: dict[str, str] | None = None, path: str = "/token"
    ) -> httpx.Response:
        proof = party.proof(self.issuer, self.now) if proof is None else proof
        with self.browser() as there:
            return there.post(path, data={n: v for n, v in (proof | fields).items() if v is not None})

    def revoke(
        self, party: Party, token: str | None, proof: dict[str, str] | None = None, **more: str
    ) -> httpx.Response:
        return self.token(party, {"token": token} | more, proof, "/revoke")

    def given(self, there: httpx.Client, party: Party = PORTAL, **changes: str | None) -> dict[str, Any]:
        """Everything that `party` gets of somebody who is signed in."""
        flow = self.flow(party, **changes)
        answer = self.redeem(flow, self.code(there, flow))
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


def answer_of(response: httpx.Response) -> dict[str, str]:
    """What a redirect to a party carries."""
    assert response.status_code == 302, (response.status_code, response.text[:500])
    return dict(parse_qsl(urlsplit(response.headers["location"]).query, keep_blank_values=True))


def load_people(provider: Provider) -> None:
    settings = samples.Settings(database_url=provider.parts.settings.database_url, field_key=FieldKeys.of(FIELD_KEY))
    people = list(samples.read_samples())
    samples.load(settings, people, {sample.login: PASSWORD for sample in people})
