"""What is installed is locked: every package with its version and hashes, from wherever the machine takes packages."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from tongban_local.checkout import ROOT

FOLDER = ROOT / "requirements"
NPM = ROOT / "tests" / "clients" / "node"
LOCKED = sorted(FOLDER.glob("*.txt"))
#: Each in a virtual environment of its own.
ALONE = ("uv", "checkov")
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)(\[[^]]+\])?==(\S+)( ; .+)?(?P<hashes>( --hash=sha256:[0-9a-f]{64})+)$")


def requirements(path: Path) -> list[str]:
    """One line a package, continuations joined, comments left out."""
    lines = [line for line in path.read_text().splitlines() if not line.lstrip().startswith("#")]
    return [" ".join(line.split()) for line in "\n".join(lines).replace("\\\n", " ").splitlines() if line.strip()]


def versions(path: Path) -> dict[str, str]:
    pinned = (_PINNED.match(line) for line in requirements(path))
    return {found[1].lower(): found[3] for found in pinned if found}


def test_every_ring_of_requirements_is_locked() -> None:
    assert {path.stem for path in FOLDER.glob("*.in")} == {path.stem for path in LOCKED} != set()


@pytest.mark.parametrize("path", LOCKED, ids=lambda path: path.name)
def test_every_package_has_one_version_and_its_hashes(path: Path) -> None:
    assert [line for line in requirements(path) if not _PINNED.match(line)] == []


@pytest.mark.parametrize("path", sorted([*LOCKED, *FOLDER.glob("*.in")]), ids=lambda path: path.name)
def test_no_requirement_says_where_packages_come_from(path: Path) -> None:
    says = re.compile(r"://|(^|\s)(-i|-f|--index-url|--extra-index-url|--find-links|--trusted-host)(\s|=)| @ |git\+")
    assert [line for line in path.read_text().splitlines() if says.search(line)] == []


@pytest.mark.parametrize("ring", [path for path in LOCKED if path.stem not in ALONE], ids=lambda path: path.name)
def test_a_package_has_the_same_version_in_every_ring(ring: Path) -> None:
    mine = versions(ring)
    others = [versions(path) for path in LOCKED if path != ring and path.stem not in ALONE]
    assert mine
    assert {
        name: other[name] for other in others for name in mine.keys() & other.keys() if other[name] != mine[name]
    } == {}


@pytest.mark.parametrize("ring", sorted(FOLDER.glob("*.in")), ids=lambda path: path.name)
def test_what_a_ring_asks_for_is_in_its_lock(ring: Path) -> None:
    asked = {re.split(r"[\[=<>~! ]", line, maxsplit=1)[0].lower() for line in requirements(ring)}
    assert asked - versions(ring.with_suffix(".txt")).keys() == set()


def test_every_npm_package_has_one_version_and_its_hash_and_no_address() -> None:
    lock = json.loads((NPM / "package-lock.json").read_text())
    own = lock["packages"].pop("")
    assert own["dependencies"] == json.loads((NPM / "package.json").read_text())["dependencies"]
    assert {name for name, one in lock["packages"].items() if not one["integrity"].startswith("sha512-")} == set()
    assert {name for name, one in lock["packages"].items() if "resolved" in one} == set()
