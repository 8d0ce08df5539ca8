"""Every process of one district: how it is started, what it is told, and how to ask whether it is ready."""

from __future__ import annotations

import json
import shlex
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path

from tongban_broker.rights import COURIER_VHOST

from tongban_local.account import keep_file, own_folder
from tongban_local.checkout import code
from tongban_local.installation import Installation
from tongban_local.ports import listens
from tongban_local.processes import Command, plain_environ
from tongban_local.supervise import Program

ENGINES = ("epmd", "broker", "database")
#: Processes that take spans and mail in: no service, so they are there before the services.
SINKS = ("spans", "mail")
BUS_SERVICES = ("catalogue", "identity", "case_routing", "terminal_fleet", "hotline", "notification", "courier")
EDGES = ("identity_http", "gateway", "portal")
SERVICES = (*BUS_SERVICES, *EDGES)

_STOP_WAIT_S = 30


def programs(place: Installation) -> list[Program]:
    """All of them, engines first."""
    epmd, broker = place.district.broker.commands()
    database = place.district.database.command()
    first = [_program(place, command, order, at_once=True) for order, command in enumerate((epmd, database, broker), 1)]
    sinks = [_program(place, command, 10, at_once=True) for command in (_spans(place), _mail(place))]
    return [*first, *sinks, *(_program(place, _service(place, name), 20) for name in SERVICES)]


def _program(place: Installation, command: Command, priority: int, *, at_once: bool = False) -> Program:
    return Program(command, place.log(command.name), priority, at_once)


def _python(place: Installation, name: str, module: str, *args: str, environ: Mapping[str, str]) -> Command:
    argv = (str(code().python), "-m", module, *args)
    return Command(name, argv, environ, place.folder, stop_wait_s=_STOP_WAIT_S)


def _spans(place: Installation) -> Command:
    where = ("--listen", place.district.address("spans"), "--data", str(place.folder / "spans"))
    readers = ("--token-file", str(place.trace_token))
    return _python(place, "spans", "tongban_spans", *where, *readers, environ=place.district.process_environ())


def _mail(place: Installation) -> Command:
    args = ("--listen", place.district.address("smtp"), "--folder", str(place.mail_folder))
    return _python(place, "mail", "tongban_local.mail_sink", *args, environ=place.district.process_environ())


def _service(place: Installation, name: str) -> Command:
    """Its settings come from a file, which one process can be given anew without touching its neighbours."""
    module = {"identity_http": "identity.http"}.get(name, name)
    read_then = ("/bin/sh", "-c", 'set -a; . "$0"; exec "$@"', str(environ_file(place, name)))
    argv = (*read_then, str(code().python), "-m", module)
    return Command(name, argv, plain_environ(place.folder, place.environment), place.folder, stop_wait_s=_STOP_WAIT_S)


def environ_file(place: Installation, name: str) -> Path:
    """Where a service process reads its environment from when it starts; for the runtime account alone."""
    return place.folder / "environ" / name


def write_environ(place: Installation, name: str, extra: Mapping[str, str] | None = None) -> bool:
    """Writes that file; True when it is another than before. `extra` wins over what the process is usually told."""
    values = {**service_environ(place, name), **(extra or {})}
    text = "".join(f"{key}={shlex.quote(value)}\n" for key, value in sorted(values.items()))
    own_folder(place.folder / "environ")
    return keep_file(environ_file(place, name), text)


def service_environ(place: Installation, name: str) -> dict[str, str]:
    """The whole environment of one service process."""
    district = place.district
    common = district.service_environ(name.removesuffix("_http"), health=district.address(f"{name}_health"))
    if name in EDGES:
        common.pop("TONGBAN_TRANSIT_KEY", None)  # nothing for or from other districts passes here
    own: Mapping[str, str] = _SETTINGS.get(name, lambda _: {})(place)
    settings = {"OTLP_ENDPOINT": place.spans_url, **own}
    return {**common, **{f"TONGBAN_{key}": value for key, value in settings.items()}}


def _notification(place: Installation) -> dict[str, str]:
    return {
        "SMTP_HOST": place.host,
        "SMTP_PORT": str(place.district.port("smtp")),
        "SMTP_STARTTLS": "if_offered",  # the local server keeps mail on this machine and offers none
        "MAIL_FROM": f"no-reply@d{place.code}.example",
        "PORTAL_URL": place.portal,
    }


def _courier(place: Installation) -> dict[str, str]:
    own_pair, peers_pair = place.courier_local, place.courier_client
    inbox = f"cacertfile={place.authority}&certfile={own_pair.certificate}&keyfile={own_pair.key}"
    return {
        "COURIER_KEYS": str(place.courier_keys),
        "COURIER_ROOT": _root(place),
        "COURIER_INBOX_URL": f"amqps://{place.courier_address}/{COURIER_VHOST}?{inbox}",
        "COURIER_CERTIFICATE": str(peers_pair.certificate),
        "COURIER_CERTIFICATE_KEY": str(peers_pair.key),
    }


def _root(place: Installation) -> str:
    """The public half of the key that signs the registry of districts."""
    return str(place.environment / "alliance" / "root.pub.jwk")


def _identity(place: Installation) -> dict[str, str]:
    return {"ALLIANCE_ROOT": _root(place)}


def _identity_http(place: Installation) -> dict[str, str]:
    return {
        "SIGNING_KEYS": str(place.district.keys / "identity.jwk"),
        "RELYING_PARTIES": f"{place.relying_parties},{place.portal_party}",
        "ISSUER": place.issuer,
        "PROOFING": "development" if place.district.trial else "none",
        "LISTEN_ADDRESS": place.district.address("identity_http"),
        **_tls(place),
    }


def _gateway(place: Installation) -> dict[str, str]:
    return {
        "EDGE_KEY": str(place.district.keys / "edge.jwk"),
        "LISTEN_ADDRESS": place.district.address("gateway"),
        **_tls(place),
        "ISSUER": place.issuer,
        "TRACE_SOURCE_URL": place.spans_url,
        "TRACE_SOURCE_TOKEN_FILE": str(place.trace_token),
    }


def _portal(place: Installation) -> dict[str, str]:
    return {
        "PORTAL_KEY": str(place.portal_key),
        "PORTAL_URL": place.portal,
        "GATEWAY_URL": place.gateway,
        "ISSUER": place.issuer,
        "DISTRICTS": str(place.districts),
        "LISTEN_ADDRESS": place.district.address("portal"),
        **_tls(place),
    }


def _tls(place: Installation) -> dict[str, str]:
    pair = place.server
    return {"TLS_CERTIFICATE": str(pair.certificate), "TLS_KEY": str(pair.key), "CA_FILE": str(place.authority)}


#: What a process is told beyond what every service process is told; see each service's settings.py.
_SETTINGS: dict[str, Callable[[Installation], Mapping[str, str]]] = {
    "notification": _notification,
    "courier": _courier,
    "identity": _identity,
    "identity_http": _identity_http,
    "gateway": _gateway,
    "portal": _portal,
}


def is_ready(place: Installation, name: str) -> bool:
    """Whether the process says that it can work; for those that have no page for it, whether they listen."""
    district = place.district
    if name == "broker":
        return listens(district.host, district.port("broker"))
    if name in ("database", "spans"):
        return listens(district.host, district.port(name))
    if name == "mail":
        return listens(district.host, district.port("smtp"))
    if name == "epmd":
        return listens("127.0.0.1", district.port("epmd"))
    if name in EDGES:
        return _get(f"https://{district.address(name)}/readyz", place.authority) is not None
    return _get(f"http://{district.address(f'{name}_health')}/readyz") is not None


def _get(url: str, authority: Path | None = None) -> object | None:
    context = ssl.create_default_context(cafile=str(authority)) if authority else None
    try:
        with urllib.request.urlopen(url, timeout=5, context=context) as answer:  # noqa: S310  our own addresses
            return json.loads(answer.read())
    except (urllib.error.HTTPError, OSError, ValueError):
        return None
