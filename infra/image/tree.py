"""What of this tree goes into the image of one process: `tree.py SERVICE TARGET [--ring RING]` puts it into the folder TARGET.

The Dockerfile runs this file in its build stage, and a test runs each process from what it made. It stands on the standard
library alone, because nothing else is there yet. `tree.py --list` prints service, ring and module of every image.
"""

from __future__ import annotations

import argparse
import compileall
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from py_compile import PycInvalidationMode

ROOT = Path(__file__).resolve().parents[2]
#: In every image.
SHARED = ("services/chassis/src", "proto/python")


@dataclass(frozen=True)
class Image:
    """One image: the ring of requirements/ that it installs, what `python -m` runs in it, and its own import roots."""

    ring: str
    module: str
    folders: tuple[str, ...]


def _bus(service: str, *more: str) -> Image:
    return Image("bus", service, (f"services/{service}/src", *more))


IMAGES: dict[str, Image] = {
    "catalogue": _bus("catalogue"),
    "identity": _bus("identity"),
    "case_routing": _bus("case_routing"),
    "terminal_fleet": _bus("terminal_fleet"),
    "hotline": _bus("hotline"),
    "notification": _bus("notification"),
    "courier": _bus("courier", "infra/broker/src"),  # the table says what crosses, and who opens what
    # Web processes: asyncio alone. identity_http has no eventlet, and the hashing of passwords that identity has not.
    "identity_http": Image("edge", "identity.http", ("services/identity/src",)),
    "gateway": Image("edge", "gateway", ("services/gateway/src",)),
    "portal": Image("edge", "portal", ("services/portal/src",)),
    # The chart's Jobs: roles and databases; and, as `python -m tongban_broker`, the broker's definitions.
    "setup": Image("edge", "tongban_database", ("infra/database/src", "infra/broker/src")),
}


class NoImage(ValueError):
    """An image that there is not, or not from that ring; says which there are."""


def make(service: str, target: Path, ring: str | None = None, root: Path = ROOT) -> Image:
    """Fills the folder `target`, which must not exist yet. Raises NoImage."""
    image = IMAGES.get(service)
    if image is None:
        raise NoImage(f"SERVICE={service}: there is no such image; there are {', '.join(IMAGES)}")
    if ring not in (None, image.ring):
        raise NoImage(f"RING={ring}: {service} is built from the ring {image.ring}")
    target.mkdir()
    for folder in (*SHARED, *image.folders):
        for package in sorted((root / folder).iterdir()):
            if package.is_dir() and not package.name.endswith((".egg-info", "__pycache__")):
                _copy(package, target / package.name)
    (target / ".module").write_text(image.module)
    _compile(target)
    for path in (target, *target.rglob("*")):  # whatever the umask of the checkout was
        path.chmod(0o755 if path.is_dir() else 0o644)
    return image


def _copy(package: Path, target: Path) -> None:
    shutil.copytree(package, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", "*.pyc", "tests"))


def _compile(target: Path) -> None:
    """The image's root cannot be written to, so what is not compiled now is compiled at every start."""
    mode = PycInvalidationMode.UNCHECKED_HASH
    if not compileall.compile_dir(target, quiet=1, stripdir=target.parent, invalidation_mode=mode):
        raise SyntaxError(f"{target}: not everything compiles")


def main(argv: Sequence[str]) -> int:
    """0 made, 2 asked for wrongly."""
    parser = argparse.ArgumentParser(description="What goes into the image of one process.")
    parser.add_argument("--list", action="store_true", help="service, ring and module of every image")
    parser.add_argument("--ring", help="the ring that the image is built from, to be compared")
    parser.add_argument("service", nargs="?", default="")
    parser.add_argument("target", nargs="?", type=Path)
    args = parser.parse_args(argv)
    if args.list:
        print("\n".join(f"{name} {image.ring} {image.module}" for name, image in IMAGES.items()))
        return 0
    if args.target is None:
        parser.error("SERVICE and TARGET are needed")
    try:
        make(args.service, args.target, args.ring)
    except NoImage as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
