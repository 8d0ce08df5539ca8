"""npm's openid-client: discovery, code with PKCE, refresh, userinfo, revocation and signing out, public and by a key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from joserfc.jwk import ECKey, OKPKey

from .browser import Browser
from .district import District, Ground, a_district
from .programs import Refused, Talking, node_command, node_environ, talking

pytestmark = pytest.mark.engines

NOBODY = "https://site.example"
KEYS: dict[str, Any] = {
    "public": None,
    "ed25519": OKPKey.generate_key("Ed25519", {"kid": "site-1"}),
    "p256": ECKey.generate_key("P-256", {"kid": "site-2"}),
}
#: What it is registered for beside, where that is not the default.
MORE: dict[str, dict[str, str]] = {"p256": {"id_token_alg": "ES256"}}


def a_row(client_id: str) -> dict[str, Any]:
    key = KEYS[client_id]
    return {
        "client_id": client_id,
        "name": {"zh": "样例网站", "en": "Sample site"},
        "redirect_uris": [f"{NOBODY}/{client_id}/callback"],
        "post_logout_redirect_uris": [f"{NOBODY}/{client_id}/bye"],
        "scopes": ["openid", "profile", "offline_access"],
        **({"jwks": {"keys": [key.as_dict(private=False)]}} if key else {"public": True}),
        **MORE.get(client_id, {}),
    }


@pytest.fixture(scope="module")
def district(ground: Ground) -> Iterator[District]:
    with a_district(ground, [a_row(client_id) for client_id in KEYS]) as running:
        yield running


@pytest.fixture
def browser(ground: Ground) -> Iterator[Browser]:
    with Browser(ground.authority.certificate, stops_at=NOBODY) as there:
        yield there


@pytest.fixture
def a_site(ground: Ground, district: District) -> Iterator[Callable[[str], Talking]]:
    """`a_site("public")`: the program, started as that client."""
    with ExitStack() as stack:

        def start(client_id: str) -> Talking:
            key = KEYS[client_id]
            told = {
                "issuer": district.issuer,
                "client_id": client_id,
                "redirect_uri": f"{NOBODY}/{client_id}/callback",
                "scope": "openid profile offline_access",
                **({"jwk": key.as_dict(private=True)} if key else {}),
                **MORE.get(client_id, {}),
            }
            path = ground.keep(f"{client_id}.json", told)
            command = node_command(ground, "relying_party.mjs", str(path))
            log = ground.folder / f"{client_id}.log"
            return stack.enter_context(talking(ground, command, node_environ(ground), log))

        yield start


def signed_in(browser: Browser, site: Talking) -> dict[str, Any]:
    """A stranger is asked, and comes back; what the site learned."""
    page = browser.go(site.ask("ask"))
    return dict(site.ask("come_back", url=browser.leads_to(browser.sign_in(page))))


@pytest.mark.parametrize("client_id", KEYS)
def test_somebody_signs_in_is_known_refreshed_and_signed_out(district, browser, a_site, client_id) -> None:
    site = a_site(client_id)
    assert site.ask("discover")["issuer"] == district.issuer
    told = signed_in(browser, site)
    claims = told["claims"]
    assert (claims["iss"], claims["aud"], claims["acr"]) == (district.issuer, client_id, "L4")
    assert told["refreshable"]
    known = site.ask("userinfo")
    assert known["sub"] == claims["sub"]
    assert known["home_district"] == district.code
    assert "*" in known["name"]
    again = site.ask("refresh")
    assert again["another"]
    for name in ("sub", "sid", "auth_time", "acr"):
        assert again["claims"][name] == claims[name]
    bye = f"{NOBODY}/{client_id}/bye"
    out = browser.go(site.ask("end_session", fields={"post_logout_redirect_uri": bye, "state": "s t"}))
    assert browser.leads_to(out) == f"{bye}?state=s+t"
    with pytest.raises(Refused, match="invalid_grant"):
        site.ask("refresh")
    asked = site.ask("ask", fields={"prompt": "none"})
    with pytest.raises(Refused, match="login_required"):
        site.ask("come_back", url=browser.leads_to(browser.go(asked)))


def test_whoever_is_signed_in_comes_to_a_second_site_without_a_page_under_another_name(browser, a_site) -> None:
    first, second = a_site("public"), a_site("ed25519")
    claims = signed_in(browser, first)["claims"]
    back = browser.go(second.ask("ask", fields={"prompt": "none"}))
    known = second.ask("come_back", url=browser.leads_to(back))["claims"]
    assert known["sid"] == claims["sid"]
    assert known["aud"] == "ed25519"


def test_a_revoked_refresh_token_gives_nothing_more(browser, a_site) -> None:
    site = a_site("ed25519")
    signed_in(browser, site)
    site.ask("refresh")
    site.ask("revoke")
    with pytest.raises(Refused, match="invalid_grant"):
        site.ask("refresh")


def test_it_refuses_what_is_not_the_answer_to_its_question(browser, a_site) -> None:
    """The positive control of what it checks by itself: our answers hold it, and others' do not."""
    site = a_site("public")
    back = browser.leads_to(browser.sign_in(browser.go(site.ask("ask"))))
    with pytest.raises(Refused):
        site.ask("come_back", url=back.replace("state=", "state=x"))
    with pytest.raises(Refused):
        site.ask("come_back", url=back, changes={"pkceCodeVerifier": "x" * 43})
