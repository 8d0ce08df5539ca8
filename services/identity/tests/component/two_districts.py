"""Two districts' real web processes on two loopback addresses over HTTPS, each with a database of its own, and browsers."""

from __future__ import annotations

import base64
import json
import re
import shutil
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import psycopg2
from chassis.clock import new_id
from chassis.database import Database
from chassis.sealed import FieldKeys
from identity import samples
from identity.adapters.sealing import Sealing
from identity.adapters.storage import Storage
from joserfc import jwt
from joserfc.jwk import OKPKey
from tongban_local.account import keep_file, own, own_folder
from tongban_local.certificates import Authority, Pair
from tongban_local.ports import free_port

from tests.support.calls import eventually
from tests.support.engines import Engines, test_address
from tests.support.services import ServiceProcess, start_service

from ..factories import GUSU, HUANGPU, PASSWORD, a_member, a_registry

#: An address that no process listens at.
NOBODY = "https://127.20.250.250:9"
#: Settings that make minutes seconds; with `PATIENT` a home is asked as seldom as in a real district.
QUICK = {"TONGBAN_HOME_CONFIRM_S": "2", "TONGBAN_HOME_SILENCE_S": "6"}
PATIENT = {"TONGBAN_HOME_CONFIRM_S": "180", "TONGBAN_HOME_SILENCE_S": "900"}


@dataclass
class Side:
    """One district's provider."""

    code: str
    issuer: str
    database_url: str = field(repr=False)
    field_key: str = field(repr=False)
    key: OKPKey = field(repr=False)
    portal: OKPKey = field(repr=False)
    authority: Path
    process: ServiceProcess | None = None

    @contextmanager
    def work(self) -> Iterator[Storage]:
        pool = Database(self.database_url)
        try:
            with pool.transaction() as connection:
                yield Storage(connection, Sealing(FieldKeys.of(self.field_key)))
        finally:
            pool.close()

    def rows(self, query: str, *values: Any) -> list[tuple]:
        """What a look into the database shows."""
        url = self.database_url.replace("postgresql+psycopg2", "postgresql")
        connection = psycopg2.connect(url)
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(query, values)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    @property
    def callback(self) -> str:
        """Where this district's portal takes codes; nothing need listen there, browsers here stop before it."""
        return f"{self.issuer}/portal-of-the-test"

    def keep_registry(self, text: str, version: int) -> None:
        self.rows("INSERT INTO registries VALUES (%s, %s, now())", version, text)


@dataclass
class Two:
    gusu: Side
    huangpu: Side
    #: Shangcheng, where the test wants one more.
    third: Side | None = None
    version: int = 1

    @property
    def sides(self) -> list[Side]:
        return [side for side in (self.gusu, self.huangpu, self.third) if side]

    def install(self, *members: dict, **more: Any) -> None:
        """The next version of the registry, at both."""
        self.version += 1
        for side in self.sides:
            side.keep_registry(a_registry(*(members or self.members()), version=self.version, **more), self.version)

    def members(self, **huangpu: Any) -> tuple[dict, ...]:
        there = {"issuer": self.huangpu.issuer} | huangpu
        more = [a_member(self.third.code, issuer=self.third.issuer)] if self.third else []
        return a_member(GUSU, issuer=self.gusu.issuer), a_member(HUANGPU, **there), *more


def a_side(engines: Engines, code: str, folder: Path, authority: Authority) -> Side:
    """A provider's database and files; not started."""
    database = engines.fresh_database("identity")
    host = test_address()
    issuer = f"https://{host}:{free_port(host)}"
    key, portal = (OKPKey.generate_key("Ed25519", {"kid": f"{name} {code}"}) for name in ("identity", "portal"))
    field_key = base64.b64encode(code.encode().ljust(32, b"k")).decode()
    side = Side(code, issuer, database.url, field_key, key, portal, authority.certificate)
    keep_file(folder / f"{code}.jwk", json.dumps(key.as_dict(private=True)))
    party = {
        "client_id": "portal",
        "name": {"zh": "门户", "en": "Portal"},
        "redirect_uris": [side.callback],
        "post_logout_redirect_uris": [f"{issuer}/signed-out"],
        "scopes": ["openid", "profile", "offline_access", "api"],
        "jwks": {"keys": [portal.as_dict(private=False)]},
    }
    keep_file(folder / f"{code}-parties.json", json.dumps([party]))
    authority.server(Pair.at(folder, code), host)
    settings = samples.Settings(database_url=side.database_url, field_key=FieldKeys.of(field_key))
    people = list(samples.read_samples())
    samples.load(settings, people, {sample.login: PASSWORD for sample in people})
    return side


def start(engines: Engines, side: Side, folder: Path, **more: str) -> ServiceProcess:
    """Starts the provider's process."""
    pair = Pair.at(folder, side.code)
    host = side.issuer.removeprefix("https://")
    extra = {
        "TONGBAN_DISTRICT": side.code,
        "TONGBAN_DATABASE_URL": side.database_url,
        "TONGBAN_FIELD_KEY": side.field_key,
        "TONGBAN_SIGNING_KEYS": str(folder / f"{side.code}.jwk"),
        "TONGBAN_RELYING_PARTIES": str(folder / f"{side.code}-parties.json"),
        "TONGBAN_ISSUER": side.issuer,
        "TONGBAN_LISTEN_ADDRESS": host,
        "TONGBAN_TLS_CERTIFICATE": str(pair.certificate),
        "TONGBAN_TLS_KEY": str(pair.key),
        "TONGBAN_CA_FILE": str(side.authority),
        **QUICK,
    }
    side.process = start_service(engines, "identity", None, {**extra, **more}, "identity.http")
    return side.process


def listens(side: Side) -> bool:
    host, _, port = side.issuer.removeprefix("https://").rpartition(":")
    try:
        socket.create_connection((host, int(port)), 1).close()
    except OSError:
        return False
    return True


@contextmanager
def two_districts(engines: Engines, *, third: str = "", **more: str) -> Iterator[Two]:
    """Gusu's and Huangpu's providers, running with the settings in `more`, each knowing the other from the registry; and a third's."""
    folder = own_folder(engines.district.folder / f"two-{new_id()}")
    authority = Authority(folder / "authority")
    pair = Two(*(a_side(engines, code, folder, authority) for code in (GUSU, HUANGPU, third) if code))
    own(folder)
    pair.version = 0
    pair.install()
    sides = pair.sides
    try:
        for side in sides:
            start(engines, side, folder, **more)
        for side in sides:
            eventually(lambda side=side: listens(side))  # its health page may come first
        yield pair
    finally:
        for side in sides:
            if side.process is not None:
                side.process.stop()
        shutil.rmtree(folder, ignore_errors=True)


class Browser(httpx.Client):
    """A browser: it keeps cookies per address, and follows redirects as far as addresses of providers go."""

    def __init__(self, authority: Path) -> None:
        context = ssl.create_default_context(cafile=str(authority))
        super().__init__(verify=context, headers={"Accept": "text/html"}, timeout=30)

    def go(self, url: str, method: str = "GET", **more: Any) -> httpx.Response:
        """Follows redirects until a page comes, or a portal's address; `history` has the way."""
        way = []
        answer = self.request(method, url, **more)
        while answer.is_redirect:
            way.append(answer)
            location = str(answer.next_request.url)
            if "/portal-of-the-test" in location or NOBODY in location:
                break
            answer = self.get(location)
        answer.history = way
        return answer

    def sign_in(self, side: Side, login: str = "citizen", page: httpx.Response | None = None) -> httpx.Response:
        """At the provider's own form, or at the `page` that shows it."""
        page = page or self.get(f"{side.issuer}/sign-in")
        fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text))
        fields |= {"login": login, "password": PASSWORD}
        return self.go(f"{side.issuer}/sign-in", "POST", data=fields)

    def sign_out(self, side: Side) -> None:
        assert self.post(f"{side.issuer}/sign-out", headers={"Tongban-CSRF": "1"}).status_code == 303


def open_portal(browser: Browser, side: Side, **more: str) -> httpx.Response:
    """What happens when a portal asks its provider who somebody is."""
    fields = {
        "response_type": "code",
        "client_id": "portal",
        "redirect_uri": side.callback,
        "scope": "openid profile offline_access api",
        "state": "state of the portal",
        "nonce": "nonce of the portal",
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
    }
    return browser.go(f"{side.issuer}/authorize?{urlencode(fields | more)}")


def came_back(answer: httpx.Response) -> Mapping[str, str]:
    """What the portal is told: the query of its redirect URI. Fails where the browser stands on a page instead."""
    assert answer.is_redirect, (answer.status_code, str(answer.url), answer.text[-600:])
    return dict(parse_qsl(urlsplit(str(answer.next_request.url)).query))


def redeem(browser: Browser, side: Side, code: str) -> dict[str, Any]:
    """The tokens that the portal gets for its code."""
    now = datetime.now(UTC)
    claims = {
        "iss": "portal",
        "sub": "portal",
        "aud": side.issuer,
        "jti": str(new_id()),
        "iat": int(now.timestamp()),
        "exp": int((now + timedelta(minutes=1)).timestamp()),
    }
    assertion = jwt.encode({"alg": "EdDSA", "kid": str(side.portal.kid)}, claims, side.portal, algorithms=["EdDSA"])
    fields = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": side.callback,
        "code_verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
        "client_id": "portal",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": assertion,
    }
    answer = browser.post(f"{side.issuer}/token", data=fields)
    assert answer.status_code == 200, answer.text
    return answer.json()


def claims_of(token: str) -> dict[str, Any]:
    """What a token says; its signature is others' business here."""
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def signed_in_at(browser: Browser, side: Side, **more: str) -> dict[str, Any] | None:
    """The access token's claims where the portal of `side` gets one without a page; None where somebody has to sign in."""
    told = came_back(open_portal(browser, side, prompt="none", **more))
    return claims_of(redeem(browser, side, told["code"])["access_token"]) if "code" in told else None


def is_signed_out_at(browser: Browser, side: Side) -> bool:
    """Whether nobody is known there by now. The code that comes while somebody still is stays unused: it may be the session's last."""
    return "code" not in came_back(open_portal(browser, side, prompt="none"))


def ended(side: Side, sid: str) -> bool:
    """Whether the session of that name is over there."""
    return side.rows("SELECT ended_at IS NOT NULL FROM sessions WHERE sid = %s", sid) == [(True,)]
