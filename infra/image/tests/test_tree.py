"""What is copied into an image is enough for its process, with the packages of its ring and no others in sight."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from importlib import util
from importlib.metadata import distribution
from pathlib import Path
from types import ModuleType

import pytest
from tongban_local.checkout import ROOT
from tongban_local.programs import BUS_SERVICES, EDGES

_TREE = ROOT / "infra" / "image" / "tree.py"
#: A name → the folder that was made for it.
Made = Callable[[str], Path]


def _loaded() -> ModuleType:
    spec = util.spec_from_file_location("tongban_image_tree", _TREE)
    assert spec and spec.loader
    module = util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses ask for it
    spec.loader.exec_module(module)
    return module


tree = _loaded()


def locked(ring: str) -> list[str]:
    text = (ROOT / "requirements" / f"{ring}.txt").read_text()
    return re.findall(r"^([a-z0-9][a-z0-9._-]*)==", text, re.MULTILINE)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The packages of a ring as links to those in the virtual environment: nothing is downloaded."""
    made: dict[str, Path] = {}

    def of(ring: str) -> Path:
        if ring not in made:
            made[ring] = tmp_path_factory.mktemp(f"site-{ring}")
            for name in locked(ring):
                found = distribution(name)
                tops = {path.parts[0] for path in found.files or () if path.parts[0] not in ("..", "__pycache__")}
                for top in sorted(tops):
                    link = made[ring] / top
                    if not link.exists():
                        link.symlink_to(str(found.locate_file(top)))
        return made[ring]

    return of


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder, made = tmp_path_factory.mktemp("trees"), {}

    def of(service: str) -> Path:
        if service not in made:
            tree.make(service, folder / service)
            made[service] = folder / service
        return made[service]

    return of


def run(app: Path, packages: Path, *argv: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Python as the image runs it: the tree, the ring's packages, the standard library. Not this checkout, not the venv."""
    path = os.pathsep.join(map(str, (app, packages)))
    told = {
        "PYTHONPATH": path,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PATH": "/usr/bin:/bin",
        "HOME": "/nonexistent",
        **environ,
    }
    command = [sys.executable, "-S", *argv]
    return subprocess.run(command, check=False, capture_output=True, text=True, env=told, cwd=app, timeout=120)


@pytest.mark.parametrize("service", [*BUS_SERVICES, *EDGES])
def test_a_process_starts_from_its_tree_and_names_every_setting_it_lacks(service: str, trees: Made, site: Made) -> None:
    image = tree.IMAGES[service]
    done = run(trees(service), site(image.ring), "-m", (trees(service) / ".module").read_text())
    assert done.returncode == 2, done.stderr
    assert "TONGBAN_DISTRICT: is not set" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("service", BUS_SERVICES)
def test_the_image_of_a_service_brings_its_migrations(service: str, trees: Made, site: Made) -> None:
    assert (trees(service) / service / "migrations" / "head").read_text().strip()
    assert list((trees(service) / service / "migrations" / "versions").glob("0001_*.py"))
    done = run(trees(service), site("bus"), "-m", service, "migrate")
    assert (done.returncode, done.stderr.strip()) == (2, "TONGBAN_MIGRATION_DATABASE_URL: is not set")


@pytest.mark.parametrize("module", ["tongban_database", "tongban_broker"])
def test_the_set_up_image_runs_what_the_chart_asks_of_it(module: str, trees: Made, site: Made) -> None:
    done = run(trees("setup"), site("edge"), "-m", module, "--help")
    assert done.returncode == 0, done.stderr


def test_sample_people_are_loaded_by_the_image_that_can_hash(trees: Made, site: Made) -> None:
    done = run(
        trees("identity_http"), site("edge"), "-m", "identity", "load-samples", "--passwords-file", "/nonexistent"
    )
    assert done.returncode == 2
    assert "TONGBAN_DATABASE_URL: is not set" in done.stderr


@pytest.mark.parametrize("service", [name for name, image in tree.IMAGES.items() if image.ring == "edge"])
def test_an_edge_image_holds_no_eventlet_and_no_nameko(service: str, trees: Made, site: Made) -> None:
    for module in ("eventlet", "nameko", "kombu"):
        done = run(trees(service), site("edge"), "-c", f"import {module}")
        assert f"No module named '{module}'" in done.stderr, service
    assert not {"eventlet", "nameko", "kombu"} & set(locked("edge"))


def test_a_tree_holds_one_service_with_its_library_and_the_contracts(trees: Made) -> None:
    found = {path.name for path in trees("hotline").iterdir()}
    assert found == {"hotline", "chassis", "tongban", ".module"}
    files = [path for path in trees("hotline").rglob("*") if path.is_file()]
    assert not [path for path in files if "tests" in path.relative_to(trees("hotline")).parts]
    assert all((path.stat().st_mode & 0o777) == 0o644 for path in files)


def test_nothing_is_compiled_at_a_start_on_a_root_that_cannot_be_written(trees: Made) -> None:
    sources = list(trees("catalogue").rglob("*.py"))
    assert sources
    for source in sources:
        compiled = source.parent / "__pycache__" / f"{source.stem}.{sys.implementation.cache_tag}.pyc"
        assert compiled.exists(), source
        # PEP 552: by hash, and not checked, so that a copy with other times is as good.
        assert int.from_bytes(compiled.read_bytes()[4:8], "little") == 0b01


def test_a_wrong_service_or_ring_is_refused_with_the_right_one(tmp_path: Path) -> None:
    with pytest.raises(tree.NoImage, match="there are catalogue"):
        tree.make("catalog", tmp_path / "one")
    with pytest.raises(tree.NoImage, match="gateway is built from the ring edge"):
        tree.make("gateway", tmp_path / "two", "bus")
    assert list(tmp_path.iterdir()) == []
