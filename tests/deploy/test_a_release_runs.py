"""Two rendered releases run: their very pods, confined as a "restricted" namespace confines them, and a case crosses.

The node is a stand-in (node.py): no cluster is to be had here. Commands, files, variables, users, probes and scripts are the
rendered ones.
"""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tongban_local.certificates import Authority
from tongban_local.checkout import ROOT, linked
from tongban_local.districts import DistrictFacts, known_districts
from tongban_local.trust import Trust

from tests.deploy import case_crosses, district_secrets
from tests.deploy.charts import CHART, GUSU, HUANGPU, render
from tests.deploy.node import Node, missing

pytestmark = [
    pytest.mark.engines,
    pytest.mark.timeout(900),
    pytest.mark.skipif(bool(missing()), reason=missing() or "it can"),
]

RELEASE = f"d{GUSU}"
ITEMS = ROOT / "infra" / "districts" / "items" / "cross_province_items.csv"
PEOPLE = "cat >/tmp/people && python -m identity load-samples --passwords-file /tmp/people && rm /tmp/people"


@dataclass(frozen=True)
class Place:
    """One of the two districts, as the alliance's registry is made from it (tongban_local.trust)."""

    facts: DistrictFacts
    folder: Path
    authority: Path

    @property
    def code(self) -> str:
        return self.facts.code

    @property
    def release(self) -> str:
        return f"d{self.code}"

    @property
    def courier_keys(self) -> Path:
        return self.folder / "courier.jwks"

    @property
    def courier_address(self) -> str:
        return f"{self.release}-courier-inbox.{self.release}.svc:5671"

    @property
    def gateway(self) -> str:
        """The node has no ports of Services."""
        return f"https://{self.release}-gateway:8443"

    @property
    def issuer(self) -> str:
        return f"https://{self.release}-identity-http:8443"

    @property
    def people(self) -> bytes:
        return (self.folder / "people.json").read_bytes()


@dataclass(frozen=True)
class Districts:
    """Both of them, on one node."""

    node: Node
    places: Sequence[Place]
    trust: Trust

    def of(self, kind: str, part: str = "") -> list[str]:
        """Pods by what makes them, of both districts."""
        return [name for name in self.node.names(kind) if part in name]


@pytest.fixture(scope="module")
def districts() -> Iterator[Districts]:
    folder = linked("tests") / f"node-{secrets.token_hex(4)}"
    folder.mkdir(mode=0o755)
    authority, trust = Authority(folder / "authority"), Trust(folder)
    facts = [known_districts()[code] for code in (GUSU, HUANGPU)]
    places = [Place(one, folder / one.code, authority.certificate) for one in facts]
    made: dict[str, Any] = {}
    for place in places:
        made |= district_secrets.make(place.code, place.folder, authority, trust.folder, login="citizen")
    trust.sign(places)  # type: ignore[arg-type]  # what the registry says of a member is all that it asks for
    node = Node(folder / "pods", made)
    try:
        for place in places:
            node.apply(render(place.code, {"public": {"issuer": place.issuer, "gateway": place.gateway}}))
        yield Districts(node, places, trust)
    finally:
        node.close()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def engines(districts: Districts) -> Districts:
    for name in districts.of("StatefulSet"):
        districts.node.start(name)
    for name in districts.of("StatefulSet"):
        districts.node.wait_ready(name)
    return districts


@pytest.fixture(scope="module")
def migrated(engines: Districts) -> Districts:
    """All Jobs at once, as a cluster begins them: each waits by itself for what it needs."""
    engines.node.finish_all(engines.of("Job"))
    return engines


@pytest.fixture(scope="module")
def running(migrated: Districts) -> Districts:
    for name in migrated.of("Deployment"):
        migrated.node.start(name)
    for name in migrated.of("Deployment"):
        migrated.node.wait_ready(name)
    return migrated


@pytest.fixture(scope="module")
def in_use(running: Districts) -> Districts:
    """What NOTES tells a person to do next: people, registry, agreement, items."""
    for place in running.places:
        release, node = place.release, running.node
        node.exec(f"{release}-identity-http", "sh", "-c", PEOPLE, stdin=place.people)
        files = [("install-registry", running.trust.registry)]
        files += [("install-agreement", path) for path in running.trust.agreements_of(place.code)]
        for command, path in files:
            node.exec(f"{release}-courier", "python", "-m", "courier", command, stdin=path.read_bytes())
        node.exec(f"{release}-catalogue", "python", "-m", "catalogue", "import-items", "-", stdin=ITEMS.read_bytes())
    return running


def test_broker_and_database_start_confined_and_let_nobody_in_without_a_password(engines: Districts) -> None:
    with pytest.raises(AssertionError, match=r"no password supplied|fe_sendauth"):
        engines.node.exec(f"{RELEASE}-database", "psql", "-h", "127.0.0.1", "-U", "postgres", "-w", "-c", "SELECT 1")
    who = engines.node.exec(f"{RELEASE}-broker", "sh", "-c", "id -u; touch /probe 2>&1 || true")
    assert who.startswith("10001\n")
    assert "Read-only" in who


def test_the_set_up_can_run_again(migrated: Districts) -> None:
    (name,) = migrated.of("Job", f"{RELEASE}-database-setup")
    assert "databases made: none" in migrated.node.finish(name)


def test_a_call_goes_through_the_gateway_to_the_catalogue(in_use: Districts) -> None:
    said = in_use.node.finish(f"{RELEASE}-test")
    assert "signed in, and the catalogue answered through gateway and bus with 1 items" in said


def test_a_case_crosses_and_comes_back_decided(in_use: Districts) -> None:
    told = {
        side: {"code": p.code, "gateway": p.gateway, "issuer": p.issuer, "people": json.loads(p.people)}
        for side, p in zip(("here", "there"), in_use.places, strict=True)
    }
    person = (CHART / "files" / "test" / "check_gateway.py").read_text().partition("\ndef main")[0]
    body = Path(case_crosses.__file__).read_text().replace("from __future__ import annotations\n", "")
    arguments = json.dumps({**told, "authority": "/run/tongban/authority/ca.crt"})
    said = in_use.node.exec(f"{RELEASE}-gateway", "python", "-", arguments, stdin=f"{person}\n{body}".encode())
    assert {key: json.loads(said)[key] for key in ("decided_by", "granted")} == {"decided_by": HUANGPU, "granted": True}


def test_a_process_ends_by_itself_when_told_to(running: Districts) -> None:
    assert running.node.running[f"{RELEASE}-hotline"].stop() == 0


def test_what_was_kept_is_there_after_a_restart_of_the_database(in_use: Districts) -> None:
    name, node = f"{RELEASE}-database", in_use.node
    with pytest.raises(AssertionError):  # the hook ends with the container
        node.exec(name, "/bin/sh", "/etc/tongban/database/database.sh", "stop")
    assert node.running[name].process.wait(30) == 0
    node.start(name)
    node.wait_ready(name)
    node.wait_ready(f"{RELEASE}-gateway")
    assert "with 1 items" in node.finish(f"{RELEASE}-test", 150)
