"""Kiosks for tests."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from terminal_fleet.domain.model import Kiosk, Placement
from terminal_fleet.domain.policies import id_for, new_kiosk

GUSU, HUANGPU, SHANGCHENG = "320508", "310101", "330102"
NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
PUBLIC_JWK = json.dumps({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})


def kiosk(n: int = 1, *, owner: str = HUANGPU, host: str = GUSU, district: str = "", **changes: Any) -> Kiosk:
    """A kiosk of Huangpu in Gusu's hall, as its owner knows it, or as `district` does."""
    made = new_kiosk(
        id_for(owner, "fleet-1", f"key-{n}"), district=owner, host=host, name="店小二 4.0", place="一楼大厅", now=NOW
    )
    copy = {"district": district, "client_id": ""} if district and district != owner else {}
    return replace(made, **({"placement": Placement.CONFIRMED} | copy | changes))
