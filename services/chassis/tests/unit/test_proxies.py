"""Who asks, where a proxy may stand between; a header makes nobody of whom no trusted proxy says so."""

from __future__ import annotations

import pytest
from chassis.edge import Networks
from chassis.edge.proxies import client_of

TRUSTED = Networks.of("10.0.0.0/8, 2001:db8::/32")
PROXY, CLIENT, OTHER = "10.1.2.3", "192.0.2.7", "198.51.100.9"


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        ([CLIENT], CLIENT),
        ([f"{OTHER}, {CLIENT}"], CLIENT),
        ([f"{CLIENT}, 10.9.9.9"], CLIENT),
        ([f"{CLIENT},2001:db8::1"], CLIENT),
        ([OTHER, CLIENT], CLIENT),
        (["2001:DB9::7"], "2001:db9::7"),
        (["::ffff:192.0.2.7"], CLIENT),
        ([], PROXY),
        ([""], PROXY),
        (["unknown"], PROXY),
        ([f"{CLIENT}:4711"], PROXY),
        ([f"{CLIENT}, <script>"], PROXY),
        ([f"{CLIENT}, nobody, 10.9.9.9"], "10.9.9.9"),
        (["10.8.8.8, 10.9.9.9"], "10.8.8.8"),
        (["," * 5000], PROXY),
    ],
)
def test_behind_a_trusted_proxy_it_is_whom_the_nearest_trusted_one_serves(forwarded, client) -> None:
    assert client_of(PROXY, forwarded, TRUSTED) == client


@pytest.mark.parametrize("trusted", [Networks(), TRUSTED])
def test_a_header_from_anybody_else_is_not_looked_at(trusted) -> None:
    assert client_of(OTHER, [CLIENT], trusted) == OTHER


def test_nobody_is_trusted_unless_somebody_is_named_and_what_is_no_network_is_refused() -> None:
    assert Networks.of("") == Networks()
    for wrong in ("10.0.0.1/8", "the proxy", "10.0.0.0/33"):
        with pytest.raises(ValueError):
            Networks.of(wrong)
