"""Every service has the same skeleton, so that a reader of one can read them all."""

from __future__ import annotations

import ast
import importlib
import re

import pytest

from .conftest import ROOT, SERVICES, sources

README_SECTIONS = ["Purpose", "Owns", "RPC", "Events out", "Events in", "Tables", "Settings", "When it pages you"]
FILES = [
    "service.py",
    "messages.py",
    "settings.py",
    "wiring.py",
    "__main__.py",
    "domain",
    "usecases",
    "adapters",
    "migrations",
]


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_every_part_of_the_skeleton(service: str) -> None:
    home = ROOT / "services" / service
    missing = [name for name in FILES if not (home / "src" / service / name).exists()]
    missing += [name for name in ("README.md", "pyproject.toml", "tests") if not (home / name).exists()]
    assert missing == []


@pytest.mark.parametrize("service", SERVICES)
def test_a_services_readme_has_the_agreed_sections_in_order(service: str) -> None:
    text = (ROOT / "services" / service / "README.md").read_text()
    headings = [line.lstrip("# ").strip() for line in text.splitlines() if line.startswith("## ")]
    assert [heading for heading in headings if heading in README_SECTIONS] == README_SECTIONS


@pytest.mark.parametrize("service", SERVICES)
def test_a_services_migrations_have_one_head_and_the_head_file_names_it(service: str) -> None:
    folder = ROOT / "services" / service / "src" / service / "migrations"
    revisions, parents = set(), set()
    for path in (folder / "versions").glob("*.py"):
        text = path.read_text()
        revisions |= set(re.findall(r'^revision(?:: str)? = "([^"]+)"', text, re.M))
        parents |= set(re.findall(r'^down_revision(?:: [^=]+)? = "([^"]+)"', text, re.M))
    assert revisions - parents == {(folder / "head").read_text().strip()}


@pytest.mark.parametrize("service", SERVICES)
def test_service_py_is_a_table_of_contents(service: str) -> None:
    """A decorated method parses, calls one use case and translates: at most eight lines of body."""
    tree = ast.parse((ROOT / "services" / service / "src" / service / "service.py").read_text())
    long = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.decorator_list:
            body = [
                part for part in node.body if not (isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant))
            ]
            if body and body[-1].end_lineno - body[0].lineno + 1 > 8:
                long.append(node.name)
    assert long == []


def test_only_messages_py_imports_generated_contracts() -> None:
    allowed = re.compile(
        r"services/[a-z_]+/src/[a-z_]+/(messages\.py|messages/|adapters/messages)|infra/|services/gateway/|services/courier/"
    )
    guilty = [
        str(path.relative_to(ROOT))
        for path in sources("services")
        if re.search(r"^\s*(from|import) tongban\.", path.read_text(), re.M)
        and not allowed.match(str(path.relative_to(ROOT)))
    ]
    assert guilty == []


def test_nobody_outside_the_clock_reaches_for_time_or_randomness() -> None:
    """Time, identity and randomness are parameters of the domain and its use cases, never reached for."""
    reach = re.compile(r"\b(datetime\.now|datetime\.utcnow|time\.time\(|uuid4\(|uuid1\(|random\.|secrets\.)")
    guilty = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in sources("services")
        if {"domain", "usecases"} & set(path.parts)
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if reach.search(line)
    ]
    assert guilty == []


def test_raw_spawn_is_banned_because_it_loses_the_trace() -> None:
    guilty = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in sources("services")
        if path.name != "green.py"
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if re.search(r"\beventlet\.(spawn|spawn_n|spawn_after)\b", line) and "# raw:" not in line
    ]
    assert guilty == []


@pytest.mark.parametrize("service", ["identity", "case_routing", "hotline", "portal"])
def test_every_sealed_column_is_sealed_anew_when_keys_change_and_every_hash_of_one(service: str) -> None:
    """A column that was forgotten would keep its old key for ever, and open no more once that is gone (infra/adr/0029)."""
    tables = importlib.import_module(f"{service}.adapters.tables")
    sealed = {
        (table.name, column.name)
        for table in tables.metadata.tables.values()
        for column in table.columns
        if column.name.endswith("sealed")
    }
    assert sealed == {(each.table.name, name) for each in tables.SEALED.tables for name in each.places}
    hashes = {(each.table.name, name) for each in tables.SEALED.tables for name in each.hashes}
    assert hashes == (
        {("accounts", "id_number_hash"), ("mandates", "handler_hash")} if service == "identity" else set()
    )


def test_who_seals_nothing_has_no_sealed_column() -> None:
    for service in ("catalogue", "terminal_fleet", "notification", "courier"):
        metadata = importlib.import_module(f"{service}.adapters.tables").metadata
        assert not [c for table in metadata.tables.values() for c in table.columns if c.name.endswith("sealed")], (
            service
        )


def test_the_chassis_stays_under_thirty_modules() -> None:
    """infra/adr/0010: smaller modules rather than fewer."""
    modules = [path for path in (ROOT / "services/chassis/src/chassis").glob("*.py") if path.name != "__init__.py"]
    assert len(modules) < 30, sorted(path.stem for path in modules)


def test_no_module_is_longer_than_a_reader_can_hold() -> None:
    long = {
        str(path.relative_to(ROOT)): lines for path in sources() if (lines := len(path.read_text().splitlines())) > 450
    }
    assert long == {}


def test_every_test_belongs_to_one_ring() -> None:
    """Else it would be run by nobody. (tests/bench and tests/faults themselves are `make bench` and `make faults`.)"""
    from tongban_cli.commands.test import RINGS

    folders = [(ring, path) for ring, patterns in RINGS.items() for pattern in patterns for path in ROOT.glob(pattern)]
    files = [path for top in ("services", "infra", "tests") for path in (ROOT / top).rglob("test_*.py")]
    assert len(files) > 150
    rings = {
        file: [ring for ring, folder in folders if folder in file.parents]
        for file in files
        if "node_modules" not in file.parts
    }
    assert {str(file.relative_to(ROOT)): found for file, found in rings.items() if len(found) != 1} == {}
