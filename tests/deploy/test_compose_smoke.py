"""Two districts as containers, where a Docker engine answers: everything gets ready, and a case crosses and comes back decided.

It takes the images that infra/image/build.sh made, with the names in infra/local/compose.yaml; it builds and pulls nothing.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
import yaml
from tongban_cli.client import Person, Refused
from tongban_cli.main import main
from tongban_local.checkout import ROOT
from tongban_local.districts import known_districts

pytest.importorskip("pytest_docker", reason="pytest-docker is not installed (requirements/deploy.txt)")

GUSU, HUANGPU = "320508", "310101"
_COMPOSE = ROOT / "infra" / "local" / "compose.yaml"
#: Two districts on two cores, from nothing.
_READY_S = 600.0

T = TypeVar("T")


def _runs(*argv: str) -> str:
    """What a command says, or "" where it fails."""
    done = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=60)
    return done.stdout.strip() if done.returncode == 0 else ""


def _compose() -> str:
    """The command of Compose here, or ""."""
    if _runs("docker", "compose", "version"):
        return "docker compose"
    return "docker-compose" if shutil.which("docker-compose") else ""


def _images() -> set[str]:
    told = {
        "TONGBAN_IMAGES": "tongban",
        "TONGBAN_TAG": "0.1.0",
        "RABBITMQ_IMAGE": "rabbitmq:4.1",
        "POSTGRES_IMAGE": "postgres:15",
    }
    found = set()
    for row in yaml.safe_load(_COMPOSE.read_text())["services"].values():
        image = row["image"]
        for name, usual in told.items():
            image = image.replace(f"${{{name}:-{usual}}}", os.environ.get(name, usual))
        found.add(image)
    return found


def _why_not() -> str:
    """Why it cannot be tried here, or ""."""
    if not shutil.which("docker"):
        return "there is no docker command here"
    if not _runs("docker", "version", "--format", "{{.Server.Version}}"):
        return "no Docker engine answers (DOCKER_HOST, or /var/run/docker.sock)"
    if not _compose():
        return "there is neither `docker compose` nor docker-compose"
    missing = sorted(
        image for image in _images() if not _runs("docker", "image", "inspect", "--format", "{{.Id}}", image)
    )
    if missing:
        return f"these images are not here: {', '.join(missing)}; infra/image/README.md says how they are made"
    return ""


_REASON = _why_not()
pytestmark = [pytest.mark.skipif(bool(_REASON), reason=_REASON), pytest.mark.timeout(1200)]


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compose") / "made"
    assert main(["compose", "prepare", "--folder", str(folder)]) == 0
    return folder


# What pytest-docker asks for -------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def docker_compose_command(prepared: Path) -> str:
    return f"{_compose()} --env-file {prepared / 'compose.env'}"


@pytest.fixture(scope="session")
def docker_compose_file() -> str:
    return str(_COMPOSE)


@pytest.fixture(scope="session")
def docker_compose_project_name() -> str:
    return f"tongban-smoke-{os.getpid()}"


@pytest.fixture(scope="session")
def docker_setup() -> list[str]:
    return ["up --detach --no-build"]


# -----------------------------------------------------------------------------------------------------------------------


def until(condition: Callable[[], T | None], what: str, timeout_s: float = _READY_S) -> T:
    deadline, last = time.monotonic() + timeout_s, ""
    while time.monotonic() < deadline:
        try:
            if found := condition():
                return found
        except (Refused, httpx.TransportError) as error:
            last = str(error)
        time.sleep(1)
    raise AssertionError(f"{what} did not come in {timeout_s:g} s {last}")


@pytest.fixture(scope="module")
def person(docker_services: Any, prepared: Path) -> Iterator[Callable[[str, str], Person]]:
    """Signs a sample account in at a district, once its processes are ready."""
    opened: dict[tuple[str, str], Person] = {}

    def of(code: str, login: str) -> Person:
        if (code, login) not in opened:
            number = known_districts()[code].host.split(".")[2]
            password = json.loads((prepared / code / "keep" / "people.json").read_text())[login]
            authority = prepared / code / "files" / "gateway" / "authority" / "ca.crt"
            gateway, issuer = (f"https://localhost:{port}{number}43" for port in (8, 9))
            opened[code, login] = Person(gateway, issuer, authority, login, password)
        return opened[code, login]

    yield of
    for one in opened.values():
        one.close()


def test_each_district_answers_through_gateway_bus_and_database(person: Callable[[str, str], Person]) -> None:
    for code in (GUSU, HUANGPU):
        page = until(lambda code=code: person(code, "citizen").get("/v1/items", size=1), f"{code}: items")  # type: ignore[misc]
        assert len(page["items"]) == 1


def test_a_case_crosses_and_comes_back_decided(person: Callable[[str, str], Person]) -> None:
    citizen, clerk = person(GUSU, "citizen"), person(HUANGPU, "clerk")
    found = until(
        lambda: citizen.get("/v1/items", q="公证", handling_district=HUANGPU)["items"], "an item that Huangpu decides"
    )
    form = {"key": "application_form", "name": "a.txt", "media_type": "text/plain", "content": "5qC35L6L"}
    number = citizen.post("/v1/cases", {"item_code": found[0]["code"], "materials": [form]})["number"]
    until(lambda: clerk.post(f"/v1/cases/{number}/accept"), f"{number} at Huangpu")
    clerk.post(f"/v1/cases/{number}/grant", {})
    until(lambda: citizen.get(f"/v1/cases/{number}")["state"] == "closed", f"the end of {number}")
    timeline = citizen.get(f"/v1/cases/{number}/timeline")["items"]
    assert {entry["district"] for entry in timeline} == {GUSU, HUANGPU}


def test_somebody_signs_in_at_the_pages_as_a_browser_on_this_machine_does(docker_services: Any, prepared: Path) -> None:
    """curl takes names below .localhost for this machine, as browsers do."""
    files = prepared / GUSU / "files"
    told = dict(line.split("=", 1) for line in (prepared / GUSU / "env" / "portal").read_text().splitlines())
    pages, issuer = told["TONGBAN_PORTAL_URL"], told["TONGBAN_ISSUER"]

    def visit(*argv: str) -> tuple[str, str]:
        """Where it ended, and the page."""
        jar = str(prepared / "jar")
        usual = ["curl", "-sSL", "--cacert", str(files / "portal" / "authority" / "ca.crt"), "-b", jar, "-c", jar]
        done = subprocess.run(
            [*usual, "-w", "\n%{url_effective}", *argv], check=False, capture_output=True, text=True, timeout=60
        )
        page, _, at = done.stdout.rpartition("\n")
        return at, page or done.stderr

    def form() -> str | None:
        at, page = visit(f"{pages}/sign-in")
        return page if at.startswith(f"{issuer}/sign-in") else None

    hidden = dict(re.findall(r'name="(form_token|pending)" value="([^"]*)"', until(form, "the sign-in")))
    password = json.loads((prepared / GUSU / "keep" / "people.json").read_text())["citizen"]
    fields = {**hidden, "login": "citizen", "password": password}
    data = [part for name, value in fields.items() for part in ("--data-urlencode", f"{name}={value}")]
    at, page = visit(*data, f"{issuer}/sign-in")
    assert at.startswith(f"{pages}/"), page[-2000:]
    assert "/sign-out" in page
