"""Every process can begin with what its pod tells it: the same settings that the local runtime gives it."""

from __future__ import annotations

import base64
import hashlib
import importlib
import re
from typing import Any

import pytest
from chassis.settings import read_settings
from tongban_local.installation import Installation
from tongban_local.programs import _SETTINGS, SERVICES

from tests.deploy.charts import EVERYTHING, GUSU, SHAPES, of_kind, render

#: Where each process reads its settings.
KINDS = {
    **{name: (f"{name}.settings", "Settings") for name in SERVICES},
    "identity_http": ("identity.http.settings", "HttpSettings"),
}


def environ(name: str, objects: list[dict[str, Any]]) -> dict[str, str]:
    """A container's environment as the kubelet would make it, each secret standing for itself, a key for one of its own."""
    deployment = of_kind(objects, "Deployment")[name.replace("_", "-")]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    made: dict[str, str] = {}
    for source in container["envFrom"]:
        made |= of_kind(objects, "ConfigMap")[source["configMapRef"]["name"].partition("-")[2]]["data"]
    for row in container["env"]:
        if "valueFrom" in row:
            reference = row["valueFrom"]["secretKeyRef"]
            told = f"{reference['name']}.{reference['key']}"
            is_key = reference["name"].endswith("-field-keys")
            made[row["name"]] = base64.b64encode(hashlib.sha256(told.encode()).digest()).decode() if is_key else told
        else:
            made[row["name"]] = re.sub(r"\$\(([A-Z_]+)\)", lambda found: made[found[1]], row["value"])
    return made


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", SERVICES)
def test_a_process_understands_every_setting_and_misses_none(name: str, shape: str) -> None:
    told = environ(name, render(GUSU, SHAPES[shape]))
    module, kind = KINDS[name]
    settings_kind = getattr(importlib.import_module(module), kind)
    settings = read_settings(settings_kind, told)
    known = {f"TONGBAN_{field.upper()}" for field in settings_kind.__dataclass_fields__}
    unknown = {key for key in told if key.startswith("TONGBAN_")} - known
    assert unknown <= {"TONGBAN_MAX_WORKERS"}  # SHAPES give it to every process, also to those without workers
    assert settings.district == GUSU
    assert settings.health_address == "0.0.0.0:8081"


@pytest.mark.parametrize("name", SERVICES)
def test_a_pod_tells_a_process_what_the_local_runtime_tells_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting added there and forgotten here is found here."""

    class Any_(str):
        """Stands for whatever of an installation a setting is made of."""

        def __getattr__(self, _: str) -> Any_:
            return Any_()

        def __call__(self, *_: object) -> Any_:
            return Any_()

        def __truediv__(self, _: object) -> Any_:
            return Any_()

    place: Installation = Any_()  # type: ignore[assignment]
    local = {f"TONGBAN_{key}" for key in _SETTINGS.get(name, lambda _: {})(place)}
    optional = {"TONGBAN_TRACE_SOURCE_URL", "TONGBAN_TRACE_SOURCE_TOKEN_FILE"}
    assert local - optional - environ(name, render()).keys() == set()


def test_a_process_logs_in_to_broker_and_database_as_itself() -> None:
    objects = render()
    for name in SERVICES:
        told, service = environ(name, objects), name.removesuffix("_http")
        if name not in ("identity_http", "portal"):
            password = f"d{GUSU}-broker.{service}"
            assert told["TONGBAN_AMQP_URL"] == f"amqp://{service}:{password}@d{GUSU}-broker:5672/district"
        if name != "gateway":
            password = f"d{GUSU}-database.{service}_app"
            url = f"postgresql+psycopg2://{service}_app:{password}@d{GUSU}-database:5432/{service}"
            assert told["TONGBAN_DATABASE_URL"] == url


def test_the_key_that_others_names_for_our_people_are_made_with_may_be_missing_until_field_keys_change() -> None:
    """Secrets from before it was a setting stand for it (identity makes it from the field key as long as that is the first)."""
    for name in ("identity", "identity-http"):
        (container,) = of_kind(render(), "Deployment")[name]["spec"]["template"]["spec"]["containers"]
        (row,) = (one for one in container["env"] if one["name"] == "TONGBAN_PAIRWISE_KEY")
        told = {"name": f"d{GUSU}-field-keys", "key": "pairwise", "optional": True}
        assert row["valueFrom"]["secretKeyRef"] == told


def test_the_ingress_says_whom_it_serves_and_nobody_is_believed_that_where_there_is_none() -> None:
    told = environ("gateway", render(GUSU, EVERYTHING)), environ("identity_http", render(GUSU, EVERYTHING))
    assert {process["TONGBAN_TRUSTED_PROXIES"] for process in told} == {"10.244.7.0/24,fd00:7::/64"}
    assert not any("TONGBAN_TRUSTED_PROXIES" in environ(name, render()) for name in SERVICES)


def test_nobody_may_call_without_saying_who_they_are() -> None:
    objects = render()
    told = {name: environ(name, objects).get("TONGBAN_TRIAL") for name in SERVICES}
    assert set(told.values()) <= {"false", None}
