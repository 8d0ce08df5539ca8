"""The document of the public API that is kept beside the gateway is the one that the gateway serves."""

from __future__ import annotations

import json

from case_routing.domain import materials
from gateway.app import routed
from gateway.openapi import document
from gateway.schemas import cases
from portal.routes import apply
from tongban_local.checkout import ROOT

KEPT = ROOT / "services" / "gateway" / "openapi.json"


def test_the_document_that_is_kept_is_the_one_that_the_gateway_serves() -> None:
    kept, served = json.loads(KEPT.read_text()), document(routed())
    assert sorted(kept["paths"]) == sorted(served["paths"])
    assert kept == served, "if that is meant: make openapi"


def test_pages_and_api_take_the_materials_that_case_routing_takes() -> None:
    assert cases.LARGEST_MATERIAL == apply.LARGEST_MATERIAL == materials.MATERIAL_LIMIT
