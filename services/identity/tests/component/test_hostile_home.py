"""A home that lies: whatever it answers, nobody is signed in who should not be, each beside an answer that is taken."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from functools import partial
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import OKPKey
from tongban_local.certificates import Authority, Pair

from tests.support.calls import eventually

from ..factories import CREDIT_CODE, GUSU, HUANGPU, a_member
from .a_home import Home, a_home
from .two_districts import Browser, claims_of, ended, open_portal, redeem, signed_in_at, two_districts

pytestmark = pytest.mark.engines

CODE = "330102"


@pytest.fixture(scope="module")
def two(engines):
    with two_districts(engines) as pair:
        yield pair


@pytest.fixture(scope="module")
def running(two):
    folder = two.gusu.authority.parent
    with a_home(CODE, HUANGPU, Authority(folder), Pair.at(folder, CODE)) as home:
        two.install(*two.members(), a_member(CODE, issuer=home.issuer))
        yield home


@pytest.fixture
def home(running):
    running.reset()
    return running


@pytest.fixture
def browser(two):
    with Browser(two.gusu.authority) as there:
        yield there


def sent_away(browser, two, home: Home) -> dict[str, str]:
    """What Huangpu asks the home with; the home knows the nonce from it."""
    answer = browser.get(f"{two.huangpu.issuer}/federation/sign-in?home_district={CODE}")
    assert answer.status_code == 302, answer.text
    asked = urlsplit(str(answer.next_request.url))
    assert f"{asked.scheme}://{asked.netloc}" == home.issuer
    fields = dict(parse_qsl(asked.query))
    home.nonce = fields["nonce"]
    return fields


def come_back(browser, two, fields: dict[str, str], **changes):
    told = {"code": "a code", "state": fields["state"], "iss": changes.pop("issuer")} | changes
    query = urlencode({name: value for name, value in told.items() if value is not None})
    return browser.get(f"{two.huangpu.issuer}/federation/callback?{query}")


def signs_in(browser, two, home: Home, **changes) -> bool:
    """Whether the way there and back signs somebody in."""
    fields = sent_away(browser, two, home)
    answer = come_back(browser, two, fields, issuer=home.issuer, **changes)
    cookie = "__Host-tongban_session" in answer.headers.get("set-cookie", "")
    assert cookie == (answer.status_code in (200, 303) and 'http-equiv="refresh"' in answer.text), answer.text
    if not cookie:
        assert signed_in_at(browser, two.huangpu) is None
    return cookie


def test_an_honest_answer_signs_in_and_proves_us_with_our_key(two, home, browser) -> None:
    assert signs_in(browser, two, home)
    asked = next(fields for fields in home.asked if fields["grant_type"] == "authorization_code")
    assert asked["client_id"] == HUANGPU
    assert {"code_verifier", "client_assertion"} <= asked.keys()
    assertion = jwt.decode(asked["client_assertion"], two.huangpu.key, algorithms=["EdDSA"]).claims
    assert (assertion["iss"], assertion["sub"], assertion["aud"]) == (HUANGPU, HUANGPU, home.issuer)
    claims = signed_in_at(browser, two.huangpu)
    assert (claims["sub"], claims["acr"], claims["home"]) == (f"{CODE}:pairwise-7", "L3", CODE)


def test_pkce_binds_the_code_to_this_attempt(two, home, browser) -> None:
    fields = sent_away(browser, two, home)
    come_back(browser, two, fields, issuer=home.issuer)
    shown = next(fields for fields in home.asked if fields["grant_type"] == "authorization_code")
    digest = hashlib.sha256(shown["code_verifier"].encode()).digest()
    assert fields["code_challenge"] == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    assert (fields["code_challenge_method"], fields["response_type"]) == ("S256", "code")


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": GUSU},
        {"aud": [HUANGPU, GUSU]},
        {"iss": "https://127.20.1.1:9"},
        {"nonce": "another"},
        {"nonce": None},
        {"at_hash": "another"},
        {"exp": 1},
        {"acr": "L9"},
        {"acr": None},
        {"auth_time": None},
        {"sid": None},
        {"sub": "two words"},
    ],
    ids=str,
)
def test_an_id_token_that_breaks_a_rule_signs_nobody_in(two, home, browser, claims) -> None:
    home.claims = claims
    assert not signs_in(browser, two, home)
    home.reset()
    assert signs_in(browser, two, home)


def unsigned(header, claims) -> str:
    parts = [json.dumps(header | {"alg": "none"}), json.dumps(claims)]
    return ".".join(base64.urlsafe_b64encode(part.encode()).rstrip(b"=").decode() for part in parts) + "."


def hmac_with_the_public_key(home):
    def sign(header, claims) -> str:
        public = json.dumps(home.key.as_dict(private=False)).encode()
        parts = [json.dumps(header | {"alg": "HS256"}), json.dumps(claims)]
        text = ".".join(base64.urlsafe_b64encode(part.encode()).rstrip(b"=").decode() for part in parts)
        seal = hmac.new(public, text.encode(), hashlib.sha256).digest()
        return f"{text}.{base64.urlsafe_b64encode(seal).rstrip(b'=').decode()}"

    return sign


STRANGER = OKPKey.generate_key("Ed25519", {"kid": "a stranger"})


def by_a_stranger(header, claims) -> str:
    return jwt.encode(header, claims, STRANGER, algorithms=["EdDSA"])


def with_its_own_key_in_it(header, claims) -> str:
    header = header | {"jwk": STRANGER.as_dict(private=False)}
    return jwt.encode(header, claims, STRANGER, algorithms=["EdDSA"])


@pytest.mark.parametrize("how", ["none", "HS256", "a stranger's key", "an embedded jwk", "no kid", "not even a token"])
def test_a_signature_that_is_not_the_home_s_signs_nobody_in(two, home, browser, how) -> None:
    home.sign = {
        "none": unsigned,
        "HS256": hmac_with_the_public_key(home),
        "a stranger's key": by_a_stranger,
        "an embedded jwk": with_its_own_key_in_it,
        "no kid": lambda header, claims: jwt.encode({"alg": "EdDSA"}, claims, home.key, algorithms=["EdDSA"]),
        "not even a token": lambda header, claims: "x.y",
    }[how]
    assert not signs_in(browser, two, home)


def test_the_answer_of_one_home_is_no_answer_of_another_s_attempt(two, home, browser) -> None:
    """Mix-up: whoever was sent to one home comes back with another's issuer, or with none (RFC 9207)."""
    for issuer in (two.gusu.issuer, "", None):
        assert not signs_in(browser, two, home, iss=issuer)
    assert all(asked["grant_type"] == "refresh_token" for asked in home.asked), "no code was shown to anybody"
    assert not signs_in(browser, two, home, iss=two.gusu.issuer, error="login_required", code=None)
    assert signs_in(browser, two, home)


@pytest.mark.parametrize("sub", [f"{HUANGPU}:someone", f"{GUSU}:someone", "citizen"])
def test_a_home_signs_in_nobody_of_ours_and_nobody_of_a_third_district(two, home, browser, sub) -> None:
    home.claims = {"sub": sub}
    assert signs_in(browser, two, home)
    claims = signed_in_at(browser, two.huangpu)
    assert (claims["sub"], claims["home"], claims["roles"]) == (f"{CODE}:{sub}", CODE, ["citizen"])


def test_userinfo_of_somebody_else_or_without_a_number_signs_nobody_in(two, home, browser) -> None:
    for wrong in ({"sub": "another"}, {"id_number": "110101188001010012"}, {"id_number": None}, {"name": ""}):
        home.userinfo = {"name": "王小明", "id_number": "110101188001010011"} | wrong
        assert not signs_in(browser, two, home)


A_FIRM = {"subject": "firm-1", "name": "样例科技有限公司", "credit_code": CREDIT_CODE, "acr": "L4", "item_codes": []}


def firms_offered(browser, two) -> list[str]:
    return re.findall(r'name="firm" value="([^"]+)"', browser.get(f"{two.huangpu.issuer}/acting-for").text)


@pytest.mark.parametrize("subject", ["firm-1", f"{HUANGPU}:firm-1", f"{GUSU}:firm-1"])
def test_a_home_vouches_for_its_own_firms_alone(two, home, browser, subject) -> None:
    home.claims = {"acr": "L4"}
    home.userinfo |= {"firms": [A_FIRM | {"subject": subject}]}
    assert signs_in(browser, two, home)
    assert firms_offered(browser, two) == [f"{CODE}:{subject}"]


def test_a_home_vouches_for_nobody_whom_it_proved_too_weakly(two, home, browser) -> None:
    home.userinfo |= {"firms": [A_FIRM]}
    assert signs_in(browser, two, home)  # with L3
    assert firms_offered(browser, two) == []


def test_firms_that_break_a_rule_sign_nobody_in_and_end_what_stood_before(two, home, browser) -> None:
    home.userinfo |= {"firms": [A_FIRM | {"credit_code": "91350100M000100Y4Z"}]}
    assert not signs_in(browser, two, home)
    home.reset()
    assert signs_in(browser, two, home)
    sid = signed_in_at(browser, two.huangpu)["sid"]
    home.userinfo |= {"firms": [A_FIRM, A_FIRM]}
    eventually(partial(ended, two.huangpu, sid), 15)


def test_a_confirmation_without_userinfo_keeps_the_session_and_renews_no_word(two, home, browser) -> None:
    """The refresh token was used up by then: a session must not be lost because a second question failed."""
    home.claims = {"acr": "L4"}
    home.userinfo |= {"firms": [A_FIRM]}
    assert signs_in(browser, two, home)
    sid = signed_in_at(browser, two.huangpu)["sid"]
    home.userinfo_status = 503
    eventually(lambda: firms_offered(browser, two) == [], 15)  # silent for six seconds
    assert not ended(two.huangpu, sid)
    home.userinfo_status = 200
    eventually(lambda: firms_offered(browser, two) == [f"{CODE}:firm-1"], 15)


def test_assurance_is_never_raised_by_a_later_word(two, home, browser) -> None:
    home.claims = {"acr": "L2"}
    assert signs_in(browser, two, home)
    home.claims = {"acr": "L5"}
    sid = signed_in_at(browser, two.huangpu)["sid"]
    query = "SELECT confirmed_at FROM foreign_sessions WHERE sid = %s"
    first = two.huangpu.rows(query, sid)
    eventually(lambda: two.huangpu.rows(query, sid) > first, 30)  # the home said more than before, and that was kept
    assert signed_in_at(browser, two.huangpu)["acr"] == "L2"


def test_a_home_that_changes_its_word_ends_the_session(two, home, browser) -> None:
    for change in ({"acr": "L2"}, {"sub": "another"}, {"sid": "another-session"}, {"aud": GUSU}):
        home.reset()
        assert signs_in(browser, two, home)
        sid = signed_in_at(browser, two.huangpu)["sid"]
        home.claims = change
        eventually(partial(ended, two.huangpu, sid), 15)


def test_a_state_is_good_once_and_in_the_browser_that_began(two, home, browser) -> None:
    fields = sent_away(browser, two, home)
    with Browser(two.gusu.authority) as victim:
        answer = come_back(victim, two, fields, issuer=home.issuer)
        assert answer.status_code == 400, "login CSRF: an attacker's answer signs no victim in"
        assert "identity.switch_expired" in answer.text
        assert "set-cookie" not in answer.headers
        sent_away(victim, two, home)  # it has a cookie of its own now
        assert come_back(victim, two, fields, issuer=home.issuer).status_code == 400
    home.nonce = fields["nonce"]
    assert come_back(browser, two, fields, issuer=home.issuer).status_code == 200
    again = come_back(browser, two, fields, issuer=home.issuer)
    assert (again.status_code, "identity.switch_expired" in again.text) == (400, True)


@pytest.mark.parametrize(
    "changes",
    [{"state": ""}, {"state": "x" * 5000}, {"state": "a\x00b"}, {"code": ""}, {"code": None}],
    ids=["no state", "long", "NUL", "empty code", "no code"],
)
def test_what_comes_back_broken_ends_on_a_page_of_ours(two, home, browser, changes) -> None:
    fields = sent_away(browser, two, home)
    answer = come_back(browser, two, fields, issuer=home.issuer, **changes)
    assert (answer.status_code, answer.next_request) in ((400, None), (401, None))
    assert answer.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize(
    "pending", ["https://evil.example/", "//evil.example", "/\\evil.example", "%2f%2fevil.example"]
)
def test_nobody_is_led_anywhere_but_to_us_and_to_homes_of_the_registry(two, home, browser, pending) -> None:
    """Open redirects: what waits is sealed by us, so nothing that comes in with an address is ever gone to."""
    query = urlencode({"home_district": CODE, "pending": pending})
    answer = browser.get(f"{two.huangpu.issuer}/federation/sign-in?{query}")
    assert str(answer.next_request.url).startswith(f"{home.issuer}/")
    fields = dict(parse_qsl(urlsplit(str(answer.next_request.url)).query))
    home.nonce = fields["nonce"]
    assert fields["redirect_uri"] == f"{two.huangpu.issuer}/federation/callback"
    back = come_back(browser, two, fields, issuer=home.issuer)
    assert "evil" not in back.text
    assert 'url=/sign-in"' in back.text
    for code in ("999999", "https://evil.example", "", HUANGPU, "3301022"):
        answer = browser.get(f"{two.huangpu.issuer}/federation/sign-in?{urlencode({'home_district': code})}")
        assert (answer.status_code, answer.next_request) == (404, None)


def test_metadata_that_points_elsewhere_is_not_followed(two, home, browser) -> None:
    home.metadata["token_endpoint"] = "https://127.0.0.1:1/token"
    eventually(
        lambda: browser.get(f"{two.huangpu.issuer}/federation/sign-in?home_district={CODE}").status_code == 401, 30
    )
    home.reset()
    eventually(
        lambda: browser.get(f"{two.huangpu.issuer}/federation/sign-in?home_district={CODE}").status_code == 302, 30
    )


def test_a_logout_token_ends_the_session_it_names_and_a_bad_one_none(two, home, browser) -> None:
    address = f"{two.huangpu.issuer}/federation/backchannel-logout"
    home.claims = {"sid": "to-be-ended"}
    assert signs_in(browser, two, home)

    def tell(**changes):
        return browser.post(address, data={"logout_token": home.logout_token(**{"sid": "to-be-ended"} | changes)})

    for bad in (
        {"aud": GUSU},
        {"iss": two.gusu.issuer},
        {"events": {}},
        {"nonce": "n"},
        {"jti": None},
        {"exp": 1},
        {"iat": 1},
    ):
        answer = tell(**bad)
        assert (answer.status_code, answer.json()["code"]) == (400, "identity.logout_refused")
    for token in (
        "",
        "x.y.z",
        home.id_token(),
        by_a_stranger({"alg": "EdDSA", "kid": home.key.kid}, {"iss": home.issuer}),
    ):
        assert browser.post(address, data={"logout_token": token}).status_code == 400
    assert tell(sid="of-somebody-else").status_code == 200
    assert signed_in_at(browser, two.huangpu) is not None
    token = home.logout_token(sid="to-be-ended")
    assert browser.post(address, data={"logout_token": token}).status_code == 200
    assert signed_in_at(browser, two.huangpu) is None
    home.claims = {"sid": "to-be-ended"}
    assert signs_in(browser, two, home)
    assert browser.post(address, data={"logout_token": token}).status_code == 200
    assert signed_in_at(browser, two.huangpu) is not None, "a token that comes again ends nothing"


def test_a_peer_ends_no_session_in_which_it_has_no_part(two, home, browser) -> None:
    browser.sign_in(two.huangpu)
    answer = open_portal(browser, two.huangpu)
    claims = claims_of(
        redeem(browser, two.huangpu, dict(parse_qsl(urlsplit(str(answer.next_request.url)).query))["code"])[
            "access_token"
        ]
    )
    told = {"logout_token": home.logout_token(sid=claims["sid"])}
    assert browser.post(f"{two.huangpu.issuer}/federation/backchannel-logout", data=told).status_code == 200
    assert signed_in_at(browser, two.huangpu) is not None
