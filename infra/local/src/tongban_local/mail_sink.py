"""`python -m tongban_local.mail_sink --listen HOST:PORT --folder DIR`: a real SMTP server that keeps what it gets.

Each message becomes one file `<time>-<n>.eml` in the folder, written whole before it appears, with the envelope's
addresses in `X-Mail-From` and `X-Rcpt-To`. For local use and tests: nothing is ever sent on.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import signal
import time
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP

MAX_BYTES = 10 * 1024 * 1024


class Keeper:
    """aiosmtpd's handler: keeps each message as a file; the client hears 250 only once it is on disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = itertools.count(1)
        folder.mkdir(parents=True, exist_ok=True)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802  aiosmtpd's name
        marks = f"X-Mail-From: {envelope.mail_from}\r\nX-Rcpt-To: {', '.join(envelope.rcpt_tos)}\r\n".encode()
        name = f"{time.time_ns()}-{next(self._count)}.eml"
        unfinished = self._folder / f"{name}.part"
        unfinished.write_bytes(marks + envelope.content)
        unfinished.rename(self._folder / name)
        return "250 kept"


def read_mails(folder: Path) -> list[EmailMessage]:
    """What was kept in `folder`, oldest first."""
    paths = sorted(folder.glob("*.eml"))
    return [message_from_bytes(path.read_bytes(), policy=policy.default) for path in paths]  # type: ignore[misc]


async def serve(host: str, port: int, folder: Path) -> None:
    """Runs until SIGTERM or SIGINT."""
    keeper, ended, loop = Keeper(folder), asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    server = await loop.create_server(
        lambda: SMTP(keeper, hostname=host, data_size_limit=MAX_BYTES, enable_SMTPUTF8=True, loop=loop), host, port
    )
    async with server:
        await ended.wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tongban_local.mail_sink", description="Keeps mail in a folder.")
    parser.add_argument("--listen", required=True, metavar="HOST:PORT")
    parser.add_argument("--folder", required=True, type=Path, metavar="DIR")
    options = parser.parse_args()
    host, _, port = options.listen.rpartition(":")
    asyncio.run(serve(host, int(port), options.folder))


if __name__ == "__main__":
    main()
