"""python -m tongban_spans --listen host:port --data DIR [--token-file F] [--certificate F --key F]"""

from __future__ import annotations

import argparse
import logging
import signal
import ssl
import threading
from pathlib import Path

from tongban_spans.server import SpanServer
from tongban_spans.store import DAY_S, SpanStore


def main(argv: list[str] | None = None) -> None:
    """Runs the receiver until SIGTERM or SIGINT."""
    options = _options(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    tokens = options.token_file.read_text().split() if options.token_file else []
    store = SpanStore(options.data, keep_s=int(options.keep_days * DAY_S), keep_bytes=options.keep_megabytes * 2**20)
    host, _, port = options.listen.rpartition(":")
    server = SpanServer((host.strip("[]"), int(port)), store, tokens=tokens, tls=_tls(options))
    for sign in (signal.SIGTERM, signal.SIGINT):
        # shutdown waits for the serving loop, which is the thread that runs this handler
        signal.signal(sign, lambda *_: threading.Thread(target=server.shutdown).start())
    logging.info("taking spans on %s:%d", *server.server_address[:2])
    server.serve_forever()
    server.server_close()
    store.close()


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tongban_spans", description="Receives one district's spans and gives them out."
    )
    parser.add_argument("--listen", required=True, metavar="HOST:PORT")
    parser.add_argument("--data", required=True, type=Path, metavar="DIR", help="where the spans are kept")
    parser.add_argument(
        "--token-file", type=Path, metavar="F", help="tokens that may read, one a line; without it nobody may"
    )
    parser.add_argument("--certificate", type=Path, metavar="F", help="serve HTTPS with this certificate chain (PEM)")
    parser.add_argument("--key", type=Path, metavar="F", help="its private key (PEM)")
    parser.add_argument("--keep-days", type=float, default=7.0, metavar="N")
    parser.add_argument("--keep-megabytes", type=int, default=512, metavar="N")
    return parser.parse_args(argv)


def _tls(options: argparse.Namespace) -> ssl.SSLContext | None:
    if options.certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options.certificate, options.key)
    return context


if __name__ == "__main__":
    main()
