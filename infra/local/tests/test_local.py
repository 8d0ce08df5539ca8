"""The parts of the local runtime that need no engine."""

from __future__ import annotations

import json
import shlex
import smtplib
import ssl
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from tongban_broker.bus import Bus
from tongban_local import checkout
from tongban_local.certificates import Authority, Pair
from tongban_local.keys import Secrets, okp_key, write_key_set
from tongban_local.mail_sink import read_mails
from tongban_local.ports import free_port, is_free, listens
from tongban_local.processes import MARK, Child, Command, NotReady, belonging_to, end_all, session, wait_until
from tongban_local.supervise import _quoted


def test_secrets_stay_the_same_once_made_and_differ_between_districts(tmp_path: Path) -> None:
    bus = Bus.load()
    first = Secrets.kept(tmp_path / "one.json", bus)
    assert Secrets.kept(tmp_path / "one.json", bus) == first
    assert Secrets.kept(tmp_path / "two.json", bus).broker["gateway"] != first.broker["gateway"]
    assert (tmp_path / "one.json").stat().st_mode & 0o077 == 0


def test_a_service_that_joins_the_bus_gets_secrets_beside_the_ones_there_are(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    kept = Secrets.kept(path, Bus.load()).as_json()
    del kept["broker"]["hotline"], kept["database"]["hotline"]
    path.write_text(json.dumps(kept))
    grown = Secrets.kept(path, Bus.load())
    assert grown.broker["hotline"] and grown.broker["gateway"] == kept["broker"]["gateway"]


def test_no_secret_is_shown_when_it_is_printed() -> None:
    made = Secrets.make(Bus.load())
    assert made.trial not in repr(made) and made.broker["gateway"] not in repr(made.accounts(trial=True, admin=False))


def test_a_key_set_shows_no_private_part(tmp_path: Path) -> None:
    key = okp_key(tmp_path / "key.jwk")
    assert okp_key(tmp_path / "key.jwk").thumbprint() == key.thumbprint()
    (shown,) = json.loads(write_key_set(tmp_path / "keys.jwks", key).read_text())["keys"]
    assert shown["kid"] == key.kid and "d" not in shown


def test_a_server_certificate_is_for_its_address_and_for_nothing_else(tmp_path: Path) -> None:
    pair = Authority(tmp_path).server(Pair.at(tmp_path, "server"), "127.20.1.1")
    certificate = x509.load_pem_x509_certificate(pair.certificate.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    uses = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert [str(name) for name in names.get_values_for_type(x509.IPAddress)] == ["127.20.1.1"]
    assert list(uses) == [x509.ExtendedKeyUsageOID.SERVER_AUTH]
    assert isinstance(certificate.public_key(), ec.EllipticCurvePublicKey)
    ssl.create_default_context(cafile=str(tmp_path / "authority.pem")).load_cert_chain(pair.certificate, pair.key)


def test_certificates_are_made_once(tmp_path: Path) -> None:
    first = Authority(tmp_path).client(Pair.at(tmp_path, "courier"), "courier.320508").certificate.read_bytes()
    assert Authority(tmp_path).client(Pair.at(tmp_path, "courier"), "courier.320508").certificate.read_bytes() == first


def test_ports_are_free_and_never_given_twice() -> None:
    ports = [free_port("127.0.0.1") for _ in range(50)]
    assert len(set(ports)) == 50
    assert all(is_free(port, "127.0.0.1") for port in ports)


def test_a_child_ends_with_everything_it_started(tmp_path: Path) -> None:
    script = "sleep 60 & sleep 60 & wait"
    child = Child(
        Command("nest", ("sh", "-c", script), {"PATH": "/usr/bin:/bin", MARK: str(tmp_path)}), tmp_path / "log"
    )
    wait_until(lambda: len(list(session(child.pid))) == 3, "three processes", 5)
    assert set(belonging_to(tmp_path)) == set(session(child.pid))
    child.kill()
    assert list(session(child.pid)) == [] == belonging_to(tmp_path)


def test_what_left_its_session_is_found_and_ended_by_its_mark(tmp_path: Path) -> None:
    child = Child(
        Command("runaway", ("setsid", "-f", "sleep", "60"), {"PATH": "/usr/bin:/bin", MARK: str(tmp_path)}),
        tmp_path / "log",
    )
    wait_until(lambda: child.returncode() == 0 and bool(belonging_to(tmp_path)), "the runaway", 5)
    assert end_all(tmp_path) == []
    assert belonging_to(tmp_path) == []


def test_waiting_for_what_died_ends_at_once_and_says_what_it_was() -> None:
    began = time.monotonic()
    with pytest.raises(NotReady, match="the thing ended while starting"):
        wait_until(lambda: False, "the thing", 30, lambda: True)
    assert time.monotonic() - began < 1


@pytest.mark.parametrize("part", ['set -a; . "$0"; exec "$@"', "100%", "plain", "it's"])
def test_an_argument_reaches_a_supervised_process_as_it_is(part: str) -> None:
    assert shlex.split(_quoted(part).replace("%%", "%")) == [part]


def test_what_supervisor_would_take_for_a_comment_is_refused() -> None:
    with pytest.raises(ValueError, match="would not read"):
        _quoted("echo ; not a comment")


def test_the_mail_server_keeps_what_it_acknowledged(tmp_path: Path) -> None:
    port = free_port("127.0.0.1")
    argv = (sys.executable, "-m", "tongban_local.mail_sink", "--listen", f"127.0.0.1:{port}", "--folder", str(tmp_path))
    server = subprocess.Popen(argv)
    try:
        wait_until(lambda: listens("127.0.0.1", port), "the mail server", 10)
        with smtplib.SMTP("127.0.0.1", port) as client:
            client.sendmail(
                "a@example.org", ["b@example.org", "c@example.org"], "Subject: =?utf-8?b?6YCa5Yqe?=\r\n\r\ntext"
            )
        (mail,) = read_mails(tmp_path)
        assert (mail["Subject"], mail["X-Rcpt-To"]) == ("通办", "b@example.org, c@example.org")
    finally:
        server.terminate()
        assert server.wait(10) == 0


def test_a_folder_in_a_public_place_that_is_not_ours_is_refused(tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with pytest.raises(PermissionError):
        checkout._safe_folder(tmp_path / "link")
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    with pytest.raises(PermissionError):
        checkout._safe_folder(tmp_path / "open")
    assert checkout._safe_folder(tmp_path / "ours") == checkout._safe_folder(tmp_path / "ours")
