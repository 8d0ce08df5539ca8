"""The table of images, infra/image/tree.py, as the Dockerfile uses it: a file on its own, in no package."""

from __future__ import annotations

import sys
from importlib import util
from typing import Any

from tongban_local.checkout import ROOT


def images() -> dict[str, Any]:
    """Name → ring, module, folders."""
    name = "tongban_image_table"
    if name not in sys.modules:
        spec = util.spec_from_file_location(name, ROOT / "infra" / "image" / "tree.py")
        assert spec and spec.loader
        sys.modules[name] = util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return dict(sys.modules[name].IMAGES)
