"""Values that make no sense are refused before anything reaches a cluster, with a sentence that names the key."""

from __future__ import annotations

from typing import Any

import pytest

from tests.deploy.charts import CHART, EXTERNAL, GUSU, HELM, Refused, render_text

_HERE = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "x"}}}
#: What is wrong → the overlay, and the words that must stand in the refusal (the key first).
WRONG: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "an unknown key": ({"broker": {"mod": "embedded"}}, ("broker", "mod")),
    "an unknown key of a service": ({"services": {"hotline": {"replica": 3}}}, ("hotline", "replica")),
    "an unknown service": ({"services": {"kiosks": {}}}, ("services", "kiosks")),
    "a code that is a number": ({"district": {"code": 320508}}, ("district", "code", "string")),
    "a code of five digits": ({"district": {"code": "32050"}}, ("district", "code", "pattern")),
    "a mode that is none": ({"database": {"mode": "internal"}}, ("database", "mode")),
    "a digest that is none": ({"services": {"gateway": {"image": {"digest": "sha256:1"}}}}, ("image", "digest")),
    "an issuer without https": ({"public": {"issuer": "http://id.example"}}, ("issuer",)),
    "another district's release": ({"district": {"code": "310101"}}, ("district.code", "d310101", "d320508")),
    "itself as a peer": ({"peers": [{"code": GUSU, "network": [_HERE]}]}, ("peers[0].code", "itself")),
    "a peer twice": ({"peers": [{"code": "310101", "network": [_HERE]}] * 2}, ("peers[1].code", "twice")),
    "a peer that is nowhere": ({"peers": [{"code": "310101"}]}, ("peers[0].network", "310101")),
    "a broker that is nowhere": ({"broker": {"mode": "external"}}, ("broker.external.host",)),
    "a database behind no policy": (
        {"database": {"mode": "external", "external": {"host": "db", "admin": {"existingSecret": "s"}}}},
        ("database.external.peers",),
    ),
    "a database nobody may set up": (
        {"database": EXTERNAL["database"] | {"external": {**EXTERNAL["database"]["external"], "admin": {"existingSecret": ""}}}},
        ("database.external.admin.existingSecret",),
    ),
    "a certificate from two places": (
        {"tls": {"edge": {"existingSecret": "s", "issuerRef": {"name": "i"}}}}, ("tls.edge", "existingSecret", "issuerRef"),
    ),
    "an ingress without names": ({"ingress": {"enabled": True, "controller": [_HERE]}}, ("ingress.hosts",)),
    "an ingress that no policy lets in": (
        {"ingress": {"enabled": True, "hosts": {"gateway": "a.example", "identity": "b.example", "portal": "c.example"}}}, ("ingress.controller",),
    ),
    "an ingress that makes all clients one": (
        {"ingress": {"enabled": True, "controller": [_HERE], "hosts": {"gateway": "a.example", "identity": "b.example", "portal": "c.example"}}},
        ("ingress.trustedProxies",),
    ),
    "a proxy that is no network": ({"ingress": {"trustedProxies": ["the proxy"]}}, ("ingress", "trustedProxies")),
    "a mail password in the clear": ({"mail": {"user": "u", "startTls": "if_offered"}}, ("mail.startTls", "mail.user")),
    "two couriers": ({"services": {"courier": {"replicas": 2}}}, ("services.courier.replicas",)),
    "an autoscaler upside down": (
        {"services": {"hotline": {"autoscaling": {"enabled": True, "minReplicas": 9}}}}, ("services.hotline.autoscaling.minReplicas",),
    ),
    "spans that no policy lets out": ({"telemetry": {"otlpEndpoint": "http://collector:4318"}}, ("telemetry.peers",)),
}  # fmt: skip


@pytest.mark.parametrize("helm", HELM)
@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_values_are_refused_with_a_sentence_that_names_the_key(wrong: str, helm: int) -> None:
    overlay, words = WRONG[wrong]
    with pytest.raises(Refused) as refused:
        render_text(GUSU, overlay, helm=helm, release=f"d{GUSU}")
    told = str(refused.value)
    assert [word for word in words if word not in told] == [], told


def test_the_chart_without_a_district_is_refused() -> None:
    """Its own values are a template, not a default district."""
    assert 'code: ""' in (CHART / "values.yaml").read_text()
    with pytest.raises(Refused, match="code"):
        render_text(GUSU, {"district": {"code": ""}})
