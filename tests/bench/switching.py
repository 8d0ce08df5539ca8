"""Somebody who is signed in in Gusu opens a portal of Huangpu: until that portal has its tokens, with nothing to fill in."""

from __future__ import annotations

import base64
import hashlib
import secrets
import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlencode, urlsplit

from identity.adapters import passwords

from tests.bench.rows import Aim, Progress, Row, interleave, row, shortfall
from tests.clients.browser import Browser
from tests.clients.district import GUSU, HUANGPU, PASSWORD, District, Ground, a_district, host_of
from tests.support.engines import running_engines

NAME = "sso_switch"
#: 1,000 switches in all; a sign-in has a password's hash, so fewer say as much.
RUNS, SWITCHES, SIGN_INS = 4, 250, 50
MINUTES = 4.0
AIM = Aim(at_most=500, less_is_better=True)
_PORTAL = "https://portal.example/signed-in"
_PARTY = {
    "client_id": "portal",
    "name": {"zh": "门户", "en": "Portal"},
    "redirect_uris": [_PORTAL],
    "scopes": ["openid", "profile", "offline_access"],
    "public": True,
}
_NOTE = (
    "p95; fsync and synchronous_commit on, on both sides; top-level redirects over HTTPS by a client that keeps cookies, one person at a time. Floor: a sign-in with a "
    "password at the person's own district, less the password's verification"
)


@dataclass
class Counted:
    """Over all runs: milliseconds of each, redirects on the way, and pages that somebody had to look at."""

    switches: list[float] = field(default_factory=list)
    sign_ins: list[float] = field(default_factory=list)
    redirects: set[int] = field(default_factory=set)
    prompts: int = 0


def measure(progress: Progress) -> list[Row]:
    """Raises RuntimeError where a switch asked anything."""
    counted = Counted()
    with ExitStack() as stack:
        progress("two providers start")
        ground = Ground.of(stack.enter_context(running_engines()))
        gusu, huangpu = (stack.enter_context(a_district(ground, [_PARTY], code)) for code in (GUSU, HUANGPU))
        gusu.know((HUANGPU, huangpu.issuer))
        huangpu.know((GUSU, gusu.issuer))
        browser = stack.enter_context(Browser(ground.authority.certificate, stops_at=_PORTAL))
        verification = _verification_ms()

        def switches() -> float:
            _forget(browser, gusu)
            browser.open(gusu.issuer)
            _switch(browser, gusu, huangpu, Counted())  # keys and metadata of the other side are read once
            return _p95(
                [_timed(lambda: _switch(browser, gusu, huangpu, counted), counted.switches) for _ in range(SWITCHES)]
            )

        def sign_ins() -> float:
            took = [_timed(lambda: _sign_in(browser, gusu), counted.sign_ins) for _ in range(SIGN_INS)]
            return _p95(took) - verification

        found = interleave({"ours": switches, "floor": sign_ins}, RUNS, progress, minutes=MINUTES)
    if counted.prompts:
        raise RuntimeError(f"{counted.prompts} of {len(counted.switches)} switches asked something")
    details = {
        "switches": len(counted.switches),
        "prompts": counted.prompts,
        "redirects_of_a_switch": sorted(counted.redirects),
        "p50_ms": round(statistics.median(counted.switches), 1),
        "p95_ms_of_all": round(_p95(counted.switches), 1),
        "most_ms": round(max(counted.switches), 1),
        "sign_ins": len(counted.sign_ins),
        "password_verification_ms": round(verification, 1),
    }
    lacks = shortfall(len(counted.switches), RUNS * SWITCHES, "switches")
    return [row(NAME, found, "ms", AIM, note=_NOTE, details=details, lacks=lacks)]


def _timed(step: Callable[[], None], into: list[float]) -> float:
    began = time.perf_counter()
    step()
    into.append(1000 * (time.perf_counter() - began))
    return into[-1]


def _p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


def _verification_ms() -> float:
    """What a right password costs, alone on the machine as it is."""
    kept, took = passwords.hash_password(PASSWORD), list[float]()
    for _ in range(20):
        _timed(lambda: _ensure(passwords.matches(kept, PASSWORD)), took)
    return statistics.median(took)


def _ensure(holds: bool) -> None:
    if not holds:
        raise RuntimeError("a step of signing in failed")


def _switch(browser: Browser, gusu: District, huangpu: District, counted: Counted) -> None:
    """Huangpu knows nothing of this browser; Gusu does."""
    _forget(browser, huangpu)
    verifier, asked = _asked(huangpu, home_district=GUSU)
    answer = browser.go(asked)
    counted.redirects.add(len(answer.history) + 1)
    if not answer.is_redirect:
        counted.prompts += 1
        return
    _redeem(browser, huangpu, browser.leads_to(answer), verifier)


def _sign_in(browser: Browser, district: District) -> None:
    _forget(browser, district)
    verifier, asked = _asked(district)
    _redeem(browser, district, browser.leads_to(browser.sign_in(browser.go(asked))), verifier)


def _forget(browser: Browser, district: District) -> None:
    with suppress(KeyError):
        browser.cookies.clear(domain=host_of(district.issuer))


def _asked(district: District, **more: str) -> tuple[str, str]:
    """The verifier, and where a portal sends somebody."""
    verifier = secrets.token_urlsafe(48)
    fields = {
        "response_type": "code",
        "client_id": "portal",
        "redirect_uri": _PORTAL,
        "scope": "openid profile offline_access",
        "state": secrets.token_urlsafe(16),
        "nonce": secrets.token_urlsafe(16),
        "code_challenge": base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    return verifier, f"{district.issuer}/authorize?{urlencode(fields | more)}"


def _redeem(browser: Browser, district: District, back: str, verifier: str) -> None:
    """As the portal does; it is a part of what somebody waits for."""
    fields = {
        "grant_type": "authorization_code",
        "client_id": "portal",
        "redirect_uri": _PORTAL,
        "code": parse_qs(urlsplit(back).query)["code"][0],
        "code_verifier": verifier,
    }
    answer = browser.post(f"{district.issuer}/token", data=fields)
    _ensure(answer.status_code == 200 and "id_token" in answer.json())
