"""A web process is ready once it listens, and no more once it was told to end; it ends when its requests have."""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from tongban_local.certificates import Authority, Pair
from tongban_local.checkout import ROOT
from tongban_local.ports import free_port

from services.chassis.tests.component.conftest import wait_for

HOST = "127.0.0.1"


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, str]:
    pair = Pair.at(tmp_path, "site")
    Authority(tmp_path / "authority").server(pair, HOST)
    return {
        "TONGBAN_FOLDER": str(tmp_path),
        "TONGBAN_LISTEN_ADDRESS": f"{HOST}:{free_port(HOST)}",
        "TONGBAN_HEALTH_ADDRESS": f"{HOST}:{free_port(HOST)}",
        "TONGBAN_TLS_CERTIFICATE": str(pair.certificate),
        "TONGBAN_TLS_KEY": str(pair.key),
    }


def started(settings: dict[str, str]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "services.chassis.tests.stand_ins.slow_site"]
    return subprocess.Popen(command, cwd=ROOT, env={**os.environ, **settings}, stderr=subprocess.PIPE)


@pytest.fixture
def site(settings: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    with started(settings) as process:
        yield process
        process.kill()


def not_ready(settings: dict[str, str]) -> list[str] | None:
    """What it waits for; None while nobody answers."""
    try:
        return list(httpx.get(f"http://{settings['TONGBAN_HEALTH_ADDRESS']}/readyz").json()["not_ready"])
    except httpx.TransportError:
        return None


def test_it_is_ready_exactly_while_it_takes_new_requests(settings, site, tmp_path) -> None:
    wait_for(lambda: not_ready(settings) is not None, "the health pages")
    assert not_ready(settings) == ["listening"]
    (tmp_path / "begin").touch()
    wait_for(lambda: not_ready(settings) == [], "the site")
    url = f"https://{settings['TONGBAN_LISTEN_ADDRESS']}/slow"
    context = ssl.create_default_context(cafile=str(tmp_path / "authority" / "authority.pem"))
    with ThreadPoolExecutor(1) as pool, httpx.Client(verify=context, timeout=30) as client:
        answer = pool.submit(client.get, url)
        wait_for((tmp_path / "asked").exists, "the request")
        site.send_signal(signal.SIGTERM)
        wait_for(lambda: not_ready(settings) == ["listening"], "the end to be told")
        (tmp_path / "answer").touch()
        assert answer.result().text == "done"
    assert site.wait(30) == 0


def test_it_ends_with_a_failure_where_its_address_is_taken(settings, site, tmp_path) -> None:
    (tmp_path / "begin").touch()
    wait_for(lambda: not_ready(settings) == [], "the site")
    second = settings | {"TONGBAN_HEALTH_ADDRESS": f"{HOST}:{free_port(HOST)}"}
    with started(second) as other:
        assert other.wait(60) != 0
