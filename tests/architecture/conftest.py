"""Facts about the tree that every shape test asks for."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]

#: service folder → its nameko service class, as `<package>.service:<class>`
SERVICES = {
    "catalogue": "CatalogueService",
    "identity": "IdentityService",
    "case_routing": "CaseRoutingService",
    "terminal_fleet": "TerminalFleetService",
    "hotline": "HotlineService",
    "notification": "NotificationService",
    "courier": "CourierService",
}


def service_class(name: str) -> type:
    return getattr(importlib.import_module(f"{name}.service"), SERVICES[name])


def sources(*folders: str) -> list[Path]:
    """Every Python source of ours under `folders`, without tests, migrations and generated code."""
    found = []
    for folder in folders or ("services", "infra"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT).parts
            if "tests" not in parts and "versions" not in parts and "node_modules" not in parts:
                found.append(path)
    return found


@pytest.fixture(scope="session")
def bus() -> dict:
    return yaml.safe_load((ROOT / "infra/broker/src/tongban_broker/bus.yaml").read_text())
