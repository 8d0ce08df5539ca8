"""npm's oidc-provider as a person's home: our district asks it as it asks any peer, and believes it as far as any."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from joserfc import jws
from joserfc.jwk import RSAKey

from services.identity.tests.factories import ID_NUMBER
from tests.support.calls import eventually

from .browser import Browser
from .district import GUSU, HUANGPU, District, Ground, a_district, host_of, new_origin
from .programs import node_command, node_environ, talking

pytestmark = pytest.mark.engines

PERSON = {"sub": "person-of-huangpu", "name": "王小明", "id_number": ID_NUMBER}
PORTAL = "https://portal.example/signed-in"
#: Settings that make minutes seconds.
QUICK = {"TONGBAN_HOME_CONFIRM_S": "2", "TONGBAN_HOME_SILENCE_S": "8"}


@pytest.fixture(scope="module")
def home(ground: Ground) -> str:
    return new_origin()


@pytest.fixture(scope="module")
def district(ground: Ground, home: str) -> Iterator[District]:
    """Gusu, and its neighbour Huangpu, which runs other software."""
    party = {
        "client_id": "portal",
        "name": {"zh": "门户", "en": "Portal"},
        "redirect_uris": [PORTAL],
        "scopes": ["openid", "profile"],
        "public": True,
    }
    with a_district(ground, [party], GUSU, **QUICK) as gusu:
        pair = ground.certified(host_of(home), "home")
        told = {
            "issuer": home,
            "certificate": str(pair.certificate),
            "key": str(pair.key),
            "jwk": RSAKey.generate_key(2048, {"kid": "theirs", "use": "sig"}).as_dict(private=True),
            "peer": {"code": GUSU, "issuer": gusu.issuer},
            "person": PERSON,
        }
        command = node_command(ground, "provider.mjs", str(ground.keep("home.json", told)))
        with talking(ground, command, node_environ(ground), ground.folder / "home.log"):
            gusu.know((HUANGPU, home))
            yield gusu


@pytest.fixture
def browser(ground: Ground) -> Iterator[Browser]:
    with Browser(ground.authority.certificate, stops_at=PORTAL) as there:
        yield there


def asked(district: District, **fields: str) -> str:
    """What a portal of the district sends its people to."""
    told = {
        "response_type": "code",
        "client_id": "portal",
        "redirect_uri": PORTAL,
        "scope": "openid profile",
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
    }
    return f"{district.issuer}/authorize?{urlencode(told | fields)}"


def signed_in_by_home(browser: Browser, district: District) -> httpx.Response:
    """Somebody chooses their home on our page, and signs in there."""
    page = browser.go(f"{district.issuer}/federation/sign-in?home_district={HUANGPU}")
    assert page.status_code == 200, page.text
    return page


def own_token(browser: Browser, district: District) -> dict[str, Any]:
    """What the district's token for this browser's session says; empty where there is no session."""
    answer = browser.post(
        f"{district.issuer}/token", data={"grant_type": "urn:tongban:session"}, headers={"Tongban-CSRF": "1"}
    )
    if answer.status_code != 200:
        return {}
    return dict(json.loads(jws.extract_compact(answer.json()["access_token"].encode()).payload))


def is_signed_in(browser: Browser, district: District) -> bool:
    return "code=" in browser.leads_to(browser.go(asked(district, prompt="none")))


def test_its_id_tokens_are_signed_as_it_does_by_default(district, browser, home) -> None:
    """Else what follows shows less than it says: RS256, where our own providers sign with EdDSA."""
    told = browser.get(f"{home}/.well-known/openid-configuration").json()
    (key,) = browser.get(told["jwks_uri"]).json()["keys"]
    assert (key["kty"], key["kid"]) == ("RSA", "theirs")


def test_its_person_is_signed_in_here_under_a_name_of_its_district(browser, district, home) -> None:
    page = signed_in_by_home(browser, district)
    assert str(page.url).startswith(f"{district.issuer}/federation/callback")
    claims = own_token(browser, district)
    assert (claims["sub"], claims["home"], claims["acr"]) == (f"{HUANGPU}:{PERSON['sub']}", HUANGPU, "L4")
    assert claims["roles"] == ["citizen"]


def test_who_is_signed_in_there_is_signed_in_here_with_no_page_between(browser, district) -> None:
    signed_in_by_home(browser, district)
    browser.cookies.delete("__Host-tongban_session", domain=host_of(district.issuer))
    back = browser.go(asked(district))
    assert "code=" in browser.leads_to(back)
    assert all(step.status_code in (302, 303) for step in back.history)
    assert any(str(step.url).startswith(f"{district.issuer}/federation/callback") for step in back.history)


def test_the_session_here_goes_on_as_long_as_it_refreshes(browser, district) -> None:
    signed_in_by_home(browser, district)
    until = time.monotonic() + 12
    while time.monotonic() < until:
        assert own_token(browser, district)
        time.sleep(1)


def test_its_logout_ends_the_session_here_within_five_seconds(browser, district, home) -> None:
    signed_in_by_home(browser, district)
    assert own_token(browser, district)
    page = browser.get(f"{home}/session/end")
    (xsrf,) = (part.split('"')[0] for part in page.text.split('name="xsrf" value="')[1:])
    browser.go(f"{home}/session/end/confirm", "POST", data={"xsrf": xsrf, "logout": "yes"})
    eventually(lambda: not own_token(browser, district), timeout_s=5)
    assert not is_signed_in(browser, district)
