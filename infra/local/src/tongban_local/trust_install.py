"""Gives a district the signed files that its courier and case_routing work by: the registry and its agreements."""

from __future__ import annotations

from tongban_local.installation import Installation
from tongban_local.trust import Trust


def install_trust(place: Installation, trust: Trust) -> None:
    """Installs the newest registry and every agreement of this district; again: nothing changes."""
