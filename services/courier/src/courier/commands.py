"""The courier's commands: they work on its database with its keys, whether the service runs or not.

    install-registry [FILE]     takes over a registry signed by the root key (a running courier follows within seconds)
    install-agreement [FILE]    takes over an agreement signed by both parties
    show-registry               the newest installed registry: version, end, and as it was signed
    evidence SUBJECT            this side's evidence about a subject (`case/<number>`), signed
    resend ID                   sends a refused message again (nothing that opens a matter: its service offers that again)
    brief PEER                  tells this district's services to bring the peer up to date, as when its link opened
    new-epoch                   after the database was restored from a backup: numbers anew what has no receipt

A file that is not named is read from standard input. Each prints one line of JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from chassis.process import Process
from chassis.runner import Command

from courier import registry_file
from courier.adapters.link_storage import LinkBooks
from courier.adapters.send_storage import SendBooks
from courier.adapters.trust_storage import TrustBooks
from courier.domain.errors import CourierError, Malformed, TrustError
from courier.usecases.export_evidence import export_evidence
from courier.usecases.install_trust import install_agreement, install_registry
from courier.usecases.resend_message import resend_message
from courier.wiring import App, build


def _install_registry(app: App, text: str) -> Mapping[str, Any]:
    office = app.office
    offered = registry_file.read_registry(text, office.root)
    with office.books(TrustBooks) as books:
        in_flight = install_registry(
            books, office.trust.registry, offered, text, tell=office.tells_registry, now=office.now()
        )
    office.refresh(opening=False)
    return {"version": offered.version, "installed": in_flight is not None, "in_flight": in_flight or {}}


def _install_agreement(app: App, text: str) -> Mapping[str, Any]:
    office = app.office
    known = office.trust.registry
    if known is None:
        raise TrustError("no_registry", "install the registry first: it has the keys that sign agreements")
    made = registry_file.read_agreement(text, known)
    with office.books(TrustBooks) as books:
        fresh = install_agreement(
            books, office.home, made, text, known=known, tell=office.tells_agreements, now=office.now()
        )
    return {"parties": list(made.parties), "version": made.version, "installed": fresh}


def _show_registry(app: App, _: str) -> Mapping[str, Any]:
    office, known = app.office, app.office.trust.registry
    if known is None:
        raise TrustError("no_registry", "none was installed here yet")
    with office.books(TrustBooks) as books:
        text = books.registry_text()
    return {"version": known.version, "expires_at": known.expires_at.isoformat(), "registry": text}


def _evidence(app: App, subject: str) -> Mapping[str, Any]:
    office = app.office
    if office.seals is None:
        raise TrustError("no_registry", "nothing can be signed without a registry")
    with office.books(TrustBooks) as books:
        part = export_evidence(books, office.seals, subject=subject, district=office.home, now=office.now())
    return {"part": part}


def _resend(app: App, given: str) -> Mapping[str, Any]:
    office = app.office
    if office.seals is None:
        raise TrustError("no_registry", "nothing can be sent without a registry")
    try:
        id = UUID(given)
    except ValueError:
        raise Malformed("not_an_id", "`list_messages` shows the ids of messages") from None
    with office.books(SendBooks) as books:
        peers = resend_message(books, id, office.trust, office.seals, office.now())
    return {"resent": {peer: str(id) for peer in peers}}


def _brief(app: App, peer: str) -> Mapping[str, Any]:
    with app.office.books(LinkBooks) as books:
        if not books.open_again(peer, app.office.now()):
            raise TrustError("no_link", f"no link with {peer} is open")
    return {"peer": peer, "told": True}


def _new_epoch(app: App, _: str) -> Mapping[str, Any]:
    return {"epoch": app.office.new_epoch().epoch}


def _command(work: Any, *, reads_file: bool) -> Command:
    def run(process: Process, rest: Sequence[str]) -> int:
        given = rest[0] if rest else ""
        try:
            text = (Path(given).read_text() if given else sys.stdin.read()) if reads_file else given
            app = build(process)
            app.office.refresh(opening=False)
            answer = work(app, text)
        except (CourierError, OSError, RuntimeError) as error:
            code = getattr(error, "code", "courier.failed")
            sys.stdout.write(json.dumps({"error": code, "detail": str(error)}) + "\n")
            return 1
        sys.stdout.write(json.dumps(answer, ensure_ascii=False) + "\n")
        return 0

    return run


COMMANDS: Mapping[str, Command] = {
    "install-registry": _command(_install_registry, reads_file=True),
    "install-agreement": _command(_install_agreement, reads_file=True),
    "show-registry": _command(_show_registry, reads_file=False),
    "evidence": _command(_evidence, reads_file=False),
    "resend": _command(_resend, reads_file=False),
    "brief": _command(_brief, reads_file=False),
    "new-epoch": _command(_new_epoch, reads_file=False),
}
