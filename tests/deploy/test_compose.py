"""infra/local/compose.yaml and what `tongban compose prepare` writes for it, as far as files can tell; the rest is the smoke test."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from courier import registry_file
from cryptography import x509
from tongban_broker.bus import Bus
from tongban_cli.main import main
from tongban_database.roles import owners
from tongban_local.checkout import ROOT
from tongban_local.districts import known_districts

from tests.deploy.charts import GUSU, HUANGPU, of_kind, render
from tests.deploy.images import images

TEXT = (ROOT / "infra" / "local" / "compose.yaml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
CODES = (GUSU, HUANGPU)
PROCESSES = [name for name in images() if name != "setup"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("compose") / "made"
    assert main(["compose", "prepare", "--folder", str(made)]) == 0
    return made


def of(code: str, name: str) -> dict[str, Any]:
    return SERVICES[f"d{code}-{name.replace('_', '-')}"]


def resolved(text: str, folder: Path) -> str:
    """As compose reads it with the folder's compose.env."""
    told = dict(line.split("=", 1) for line in (folder / "compose.env").read_text().splitlines())
    return re.sub(r"\$\{([A-Z_]+)(?::[-?]([^}]*))?\}", lambda m: told.get(m[1], m[2] or ""), text)


def environ(code: str, name: str, folder: Path) -> dict[str, str]:
    path = Path(resolved(of(code, name)["env_file"], folder))
    return dict(line.split("=", 1) for line in path.read_text().splitlines())


def test_the_two_districts_differ_in_nothing_but_code_and_ports() -> None:
    def half(code: str) -> str:
        found = {name: row for name, row in SERVICES.items() if name.startswith(f"d{code}-")}
        number = known_districts()[code].host.split(".")[2]
        return re.sub(rf"\b([789]){number}43\b", r"\g<1>N43", json.dumps(found).replace(code, "CODE"))

    assert half(GUSU) == half(HUANGPU)
    assert all(name.startswith((f"d{GUSU}-", f"d{HUANGPU}-")) for name in SERVICES)


def test_every_image_runs_in_each_district_and_every_service_is_migrated_first() -> None:
    for code in CODES:
        for name in PROCESSES:
            assert of(code, name)["image"] == f"${{TONGBAN_IMAGES:-tongban}}/{name}:${{TONGBAN_TAG:-0.1.0}}"
        for service in owners(Bus.load().servers):
            migrated = f"d{code}-migrate-{service.replace('_', '-')}"
            assert of(code, service)["depends_on"][migrated] == {"condition": "service_completed_successfully"}
            assert SERVICES[migrated]["command"][0] == "migrate"
        assert set(of(code, "setup")["command"][2:]) == set(owners(Bus.load().servers))


def test_every_container_is_nobody_on_a_read_only_root_without_rights() -> None:
    for name, row in SERVICES.items():
        assert row["read_only"] is True, name
        assert row["cap_drop"] == ["ALL"], name
        assert row["security_opt"] == ["no-new-privileges:true"], name
        assert row["user"].startswith("${TONGBAN_USER:?"), name
        assert "privileged" not in row, name


def test_only_brokers_couriers_and_sign_ins_stand_where_the_districts_meet() -> None:
    meeting = {name for name, row in SERVICES.items() if "between" in row["networks"]}
    assert meeting == {f"d{code}-{name}" for code in CODES for name in ("broker", "courier", "identity-http")}
    assert all(set(row["networks"]) <= {name[:7], "between"} for name, row in SERVICES.items())


def test_an_address_is_the_same_for_a_browser_on_this_machine_and_for_a_container(folder: Path) -> None:
    """Names below .localhost are 127.0.0.1 for a browser (RFC 6761, 6.3); containers find an alias; the port is one and the same."""
    published: list[str] = []
    for code in CODES:
        told = {name: environ(code, name, folder) for name in ("identity_http", "gateway", "portal")}
        urls = {
            "identity_http": told["identity_http"]["TONGBAN_ISSUER"],
            "gateway": told["portal"]["TONGBAN_GATEWAY_URL"],
            "portal": told["portal"]["TONGBAN_PORTAL_URL"],
        }
        assert {told[name]["TONGBAN_ISSUER"] for name in told} == {urls["identity_http"]}
        for name, url in urls.items():
            host, port = url.removeprefix("https://").split(":")
            row = of(code, name)
            assert host.endswith(f".d{code}.localhost")
            assert row["ports"] == [f"127.0.0.1:{port}:{port}"]
            assert {tuple(network["aliases"]) for network in row["networks"].values()} == {(host,)}
            assert told[name]["TONGBAN_LISTEN_ADDRESS"] == f"0.0.0.0:{port}"
            certificate = x509.load_pem_x509_certificate(
                (folder / code / "files" / name / "tls" / "tls.crt").read_bytes()
            )
            names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            assert host in names.get_values_for_type(x509.DNSName)
            published += row["ports"]
        (party,) = json.loads(
            (folder / code / "files" / "identity_http" / "portal-party" / "relying-parties.json").read_text()
        )
        assert party["redirect_uris"] == [f"{urls['portal']}/signed-in"]
    assert len(set(published)) == 6, "to a browser they are all one machine"
    assert sum("ports" in row for row in SERVICES.values()) == 6


def test_districts_link_to_each_other_by_addresses_that_a_browser_has(folder: Path) -> None:
    for code in CODES:
        rows = json.loads((folder / code / "files" / "portal" / "districts" / "districts.json").read_text())
        assert {row["code"]: (row["portal"], row["issuer"]) for row in rows} == {
            other: (
                environ(other, "portal", folder)["TONGBAN_PORTAL_URL"],
                environ(other, "portal", folder)["TONGBAN_ISSUER"],
            )
            for other in CODES
        }


def test_prepare_says_where_the_pages_are(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compose", "prepare", "--folder", str(folder)]) == 0
    said = capsys.readouterr().out
    for code in CODES:
        assert environ(code, "portal", folder)["TONGBAN_PORTAL_URL"] in said
        assert environ(code, "portal", folder)["TONGBAN_ISSUER"] in said


def test_what_is_mounted_is_what_was_prepared_and_cannot_be_changed_from_inside(folder: Path) -> None:
    for name, row in SERVICES.items():
        for volume in row.get("volumes", ()):
            source, target, *mode = resolved(volume, folder).split(":")
            assert Path(source).exists(), (name, source)
            assert mode == ([] if target == "/var/lib/tongban" else ["ro"]), (name, volume)
        if "env_file" in row:
            assert Path(resolved(row["env_file"], folder)).exists(), name


def test_what_a_process_is_told_to_read_is_mounted_there(folder: Path) -> None:
    for code in CODES:
        for name in PROCESSES:
            (volume,) = of(code, name)["volumes"]
            source = Path(resolved(volume, folder).split(":")[0])
            told = " ".join(environ(code, name, folder).values())
            paths = set(re.findall(r"/run/tongban/([a-z./-]+)", told))
            assert paths, name
            assert [path for path in paths if not (source / path).is_file()] == [], name


def test_each_process_is_told_what_the_chart_tells_it(folder: Path) -> None:
    """The names of the settings; a mail account, spans and the drain are the cluster's."""
    objects = render(GUSU)
    maps, deployments = of_kind(objects, "ConfigMap"), of_kind(objects, "Deployment")
    for name in PROCESSES:
        chart_name = name.replace("_", "-")
        (container,) = deployments[chart_name]["spec"]["template"]["spec"]["containers"]
        chart = {key for key in maps[chart_name]["data"] if key.startswith("TONGBAN_")}
        chart |= {row["name"] for row in container["env"] if row["name"].startswith("TONGBAN_")}
        assert set(environ(GUSU, name, folder)) == chart - {"TONGBAN_DRAIN_S"}, name


_SETTINGS = {"identity_http": "identity.http.settings:HttpSettings"}


@pytest.mark.parametrize("name", PROCESSES)
def test_a_process_takes_its_settings(name: str, folder: Path) -> None:
    module, _, kind = _SETTINGS.get(name, f"{name}.settings:Settings").partition(":")
    code = (
        "import os, sys; from importlib import import_module; from chassis.settings import read_settings;"
        f"read_settings(getattr(import_module({module!r}), {kind!r}), os.environ)"
    )
    told = {"PATH": os.environ["PATH"], **environ(GUSU, name, folder)}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], check=False, capture_output=True, text=True, env=told
    )
    assert done.returncode == 0, done.stderr


def test_both_couriers_find_one_registry_and_their_agreement(folder: Path) -> None:
    told = {code: folder / code / "files" / "courier" for code in CODES}
    root = json.loads((told[GUSU] / "courier" / "root.jwk").read_text())
    assert "d" not in root
    (registry,) = {(path / "trust" / "registry.json").read_text() for path in told.values()}
    known = registry_file.read_registry(registry, root)
    assert known.members[HUANGPU].broker == f"d{HUANGPU}-broker:5671"
    (agreement,) = {(path / "trust" / f"agreement-{HUANGPU}-{GUSU}.json").read_text() for path in told.values()}
    assert registry_file.read_agreement(agreement, known).allows(GUSU, "ticket")


def test_secrets_are_for_whom_they_are_meant(folder: Path) -> None:
    """Settings hold passwords: nobody but the one who prepared them, and the engine, reads them."""
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for path in folder.rglob("*"):
        if path.is_file():
            mode = stat.S_IMODE(path.stat().st_mode)
            assert mode & 0o007 == 0 or path.is_relative_to(folder / "alliance") or path.suffix == ".pem", (
                path,
                oct(mode),
            )
    for code in CODES:
        assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in (folder / code / "env").iterdir())
    text = TEXT + "".join(str(row) for row in SERVICES.values())
    assert not re.search(r"(?i)password:|secret:|token:", text)


def test_preparing_again_keeps_keys_and_passwords(folder: Path) -> None:
    def kept() -> Mapping[Path, bytes]:
        return {path: path.read_bytes() for code in CODES for path in (folder / code / "env").iterdir()}

    before = kept()
    assert main(["compose", "prepare", "--folder", str(folder)]) == 0
    assert kept() == before
