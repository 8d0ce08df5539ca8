"""A real SMTP server (aiosmtpd) in a process of its own, which takes, refuses, delays or encrypts as told.

A process, because asyncio does not run in a test process that eventlet has patched. Orders go to it and mails come from
it through files in one folder.

    python post_office.py FOLDER [CERTIFICATE KEY]
"""

from __future__ import annotations

import asyncio
import json
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

HOST = "127.0.0.1"
PASSWORD = "letmein"


class PostOffice:
    """The server as a test sees it."""

    host = HOST

    def __init__(self, folder: Path, port: int) -> None:
        self._folder, self.port = folder, port

    def order(self, *, recipient: str = "", content: str = "", hold: bool = False) -> None:
        """From now on: what it answers to the recipient and to the content ("": takes it); whether its "250" waits."""
        _write(self._folder / "orders.json", json.dumps({"recipient": recipient, "content": content, "hold": hold}))

    @property
    def taken(self) -> list[dict[str, Any]]:
        """What it took, oldest first: recipients, whether encrypted, and the octets."""
        return [json.loads(path.read_text()) for path in sorted(self._folder.glob("*.mail"))]

    @property
    def mails(self) -> list[EmailMessage]:
        return [message_from_bytes(bytes.fromhex(each["content"]), policy=policy.default) for each in self.taken]

    @property
    def recipients(self) -> list[str]:
        return [address for each in self.taken for address in each["recipients"]]


@contextmanager
def open_post_office(certificate: Path | None = None, key: Path | None = None) -> Iterator[PostOffice]:
    """A post office on a free port, with STARTTLS and sign-in where a certificate is given."""
    with TemporaryDirectory() as folder:
        tls = [str(certificate), str(key)] if certificate else []
        argv = [sys.executable, __file__, folder, *tls]
        process = subprocess.Popen(argv, stdin=subprocess.PIPE)  # it ends when its standard input does
        try:
            yield PostOffice(Path(folder), _port(Path(folder) / "port", process))
        finally:
            process.stdin.close()
            process.kill()
            process.wait()


def _port(path: Path, process: subprocess.Popen) -> int:
    until = time.monotonic() + 30
    while not path.exists():
        assert process.poll() is None and time.monotonic() < until, "the post office does not open"
        time.sleep(0.02)
    return int(path.read_text())


def _write(path: Path, text: str) -> None:
    unfinished = path.with_suffix(".part")
    unfinished.write_text(text)
    unfinished.rename(path)


class Clerk:
    """aiosmtpd's handler."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _orders(self) -> dict[str, Any]:
        path = self._folder / "orders.json"
        return json.loads(path.read_text()) if path.exists() else {"recipient": "", "content": "", "hold": False}

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if refusal := self._orders()["recipient"]:
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if refusal := self._orders()["content"]:
            return refusal
        mail = {
            "recipients": envelope.rcpt_tos,
            "encrypted": session.ssl is not None,
            "user": session.auth_data.login.decode() if session.auth_data else "",
            "content": envelope.content.hex(),
        }
        _write(self._folder / f"{time.time_ns()}.mail", json.dumps(mail))
        while self._orders()["hold"]:
            await asyncio.sleep(0.02)
        return "250 kept"


async def _serve(folder: Path, tls: ssl.SSLContext | None) -> None:
    from aiosmtpd.smtp import SMTP, AuthResult

    def sign_in(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> Any:
        return AuthResult(success=data.password.decode() == PASSWORD, handled=False, auth_data=data)

    more: dict[str, Any] = {"tls_context": tls, "authenticator": sign_in} if tls else {}
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Clerk(folder), hostname=HOST, loop=loop, **more), HOST, 0)
    _write(folder / "port", str(server.sockets[0].getsockname()[1]))
    await loop.run_in_executor(None, sys.stdin.read)


def main(folder: str, *pair: str) -> None:
    tls = None
    if pair:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(*pair)
    asyncio.run(_serve(Path(folder), tls))


if __name__ == "__main__":
    main(*sys.argv[1:])
