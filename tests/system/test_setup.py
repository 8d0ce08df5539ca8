"""The set-up script on a machine where Debian's packages are missing, and on one where nothing is left to do.

The packages are hidden in a mount namespace of the test's own, and apt-get is a stand-in that writes down what it saw:
what is tested is what the script asks of apt, and what it does to the machine's service policy meanwhile.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tongban_local.checkout import ROOT, linked

POLICY = Path("/usr/sbin/policy-rc.d")
needs_root = pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="needs root and unshare")


@pytest.fixture
def checkout() -> Iterator[Path]:
    """A checkout with nothing built, where everybody can read it."""
    folder = linked("tests") / f"setup-{secrets.token_hex(4)}"
    (folder / "infra").mkdir(parents=True)
    shutil.copy(ROOT / "infra" / "setup.sh", folder / "infra")
    shutil.copytree(ROOT / "requirements", folder / "requirements")
    (folder / "empty").mkdir()
    apt = folder / "bin" / "apt-get"
    apt.parent.mkdir()
    apt.write_text(f'#!/bin/sh\necho "$@" >>{folder}/asked\ncat {POLICY} >{folder}/policy\nexit 7\n')
    apt.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def run_without_rabbitmq(checkout: Path, *before: str) -> subprocess.CompletedProcess[str]:
    script = 'mount --bind "$0/empty" /usr/lib/rabbitmq && shift 0 && exec "$@"'
    command = [*before, str(checkout / "infra" / "setup.sh"), "bus"]
    return subprocess.run(
        ["unshare", "-m", "sh", "-c", script, str(checkout), *command],
        env={"PATH": f"{checkout}/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )


@needs_root
def test_root_installs_what_is_missing_with_its_services_start_blocked_and_the_policy_restored(checkout: Path) -> None:
    before = POLICY.read_text() if POLICY.exists() else None
    done = run_without_rabbitmq(checkout)
    assert done.returncode == 1, done.stderr  # the stand-in for apt failed
    asked = (checkout / "asked").read_text().splitlines()
    assert asked[0] == "install -oDPkg::Lock::Timeout=300 -y -qq --no-install-recommends rabbitmq-server"
    assert "exit 101" in (checkout / "policy").read_text()
    assert (POLICY.read_text() if POLICY.exists() else None) == before


@needs_root
def test_anybody_else_is_told_the_one_line_and_nothing_is_installed(checkout: Path) -> None:
    (checkout / "build").mkdir()
    (checkout / "build").chmod(0o777)
    done = run_without_rabbitmq(checkout, "setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
    assert done.returncode == 2, done.stderr
    assert done.stdout == "sudo apt-get install --no-install-recommends rabbitmq-server\n"
    assert not (checkout / "asked").exists()
