"""Debian's chromium as a person has it: nothing of the product is faked, and only the districts' own authority is trusted."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
_FLAGS = (
    "--no-sandbox",  # its sandbox does not start as root; only our own pages on loopback are opened
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--lang=zh-CN",
)


@contextmanager
def chromium(home: Path, authority: Path) -> Iterator[Browser]:
    """A browser whose home folder is `home`; it trusts the certificate in `authority` through the NSS database there."""
    trust(home, authority)
    environ = {**os.environ, "HOME": str(home), "XDG_CONFIG_HOME": str(home / "config"), "XDG_CACHE_HOME": str(home)}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*_FLAGS], env=environ)
        try:
            yield browser
        finally:
            browser.close()


def trust(home: Path, authority: Path) -> None:
    """The shared NSS database that chromium on Linux reads."""
    folder = home / ".pki" / "nssdb"
    folder.mkdir(parents=True)
    database = f"sql:{folder}"
    _certutil("-N", "--empty-password", "-d", database)
    _certutil("-A", "-d", database, "-t", "C,,", "-n", "tongban", "-i", str(authority))


def _certutil(*args: str) -> None:
    subprocess.run(["certutil", *args], check=True, capture_output=True)
