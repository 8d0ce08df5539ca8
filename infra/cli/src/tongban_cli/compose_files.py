"""What infra/local/compose.yaml mounts and tells its containers: settings, keys and certificates of some districts.

<folder>/compose.env                     for `docker compose --env-file`
<folder>/<code>/env/<process>            the settings of one process, the chart's
<folder>/<code>/files/<process>/         what it finds at /run/tongban, and nobody else's
<folder>/<code>/etc/<engine>/            configuration of broker and database; data/<engine>: what they keep
<folder>/<code>/keep, alliance/          made once: keys, passwords, the root key (district_keep)
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from courier import keys, registry_file
from courier.domain.agreements import ANYTHING
from courier.domain.registry import Member
from tongban_broker.bus import Bus
from tongban_broker.definitions import Accounts, definitions
from tongban_local.checkout import ROOT
from tongban_local.districts import DistrictFacts, chosen
from tongban_local.keys import PEOPLE, password
from tongban_local.prepare import ITEMS

from tongban_cli.district_keep import Keep, Passwords, write_private

#: Whom the processes of the images run as; whoever is not root cannot give files to another, so there it is themselves.
_UID = 10001
_CHART = ROOT / "charts" / "district" / "files"
_RUN = "/run/tongban"


class Place:
    """One district's folder, and the names by which containers find each other."""

    def __init__(self, folder: Path, facts: DistrictFacts) -> None:
        self.facts, self.code = facts, facts.code
        self.folder = folder / facts.code
        self.keep = Keep(self.folder / "keep")
        self.broker = f"d{self.code}-broker"
        self.database = f"d{self.code}-database"
        # Names below .localhost are this machine for every browser, and in compose.yaml containers' aliases; ports are the same
        # inside and outside, and of each district's own, because a browser takes them all for one address.
        self.hosts = {name: f"{name}.d{facts.code}.localhost" for name in ("id", "api", "www")}
        number = facts.host.split(".")[2]
        self.ports = {"id": f"9{number}43", "api": f"8{number}43", "www": f"7{number}43"}
        self.issuer, self.gateway, self.portal = (
            f"https://{self.hosts[name]}:{self.ports[name]}" for name in ("id", "api", "www")
        )

    def peers(self, places: Sequence[Place]) -> list[Place]:
        return [other for other in places if self.facts.is_linked(other.facts)]

    def member(self, now: datetime) -> Member:
        """As the registry has it."""
        shown = [*self.keep.public_keys(), keys.tls_key(self.keep.authority(self.code), now - keys.MARGIN)]
        return registry_file.member(
            self.code,
            name_zh=self.facts.name_zh,
            name_en=self.facts.name_en,
            broker=f"{self.broker}:5671",
            issuer=self.issuer,
            keys=shown,
            relation=self.facts.relation,
            linked_to=self.facts.linked_to,
        )


def prepare(folder: Path, codes: Sequence[str], now: datetime) -> list[Place]:
    """Writes everything; what was made before stays, and the registry is signed anew."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    places = [Place(folder, facts) for facts in chosen(codes)]
    for place in places:
        place.keep.make(now)
    _sign(folder / "alliance", places, now)
    bus = Bus.load()
    for place in places:
        passwords = place.keep.passwords(bus)
        _settings(place, bus, passwords)
        _files(place, passwords, folder / "alliance", place.peers(places))
        _engines(place, bus, passwords, place.peers(places))
    user = (_UID, _UID) if os.geteuid() == 0 else (os.getuid(), os.getgid())
    _write(folder / "compose.env", f"TONGBAN_USER={user[0]}:{user[1]}\nTONGBAN_FOLDER={folder.resolve()}\n")
    _give(places, user)
    return places


def _sign(alliance: Path, places: Sequence[Place], now: datetime) -> None:
    """A registry of these districts, and an agreement for trying things out with each link."""
    root, path = keys.make_root(alliance), alliance / "registry.json"
    members = [place.member(now) for place in places]
    if path.exists():
        known = registry_file.read_registry(path.read_text(), root.public)
        made = registry_file.succeed(known, members, now=now)
    else:
        made = registry_file.registry(members, version=1, now=now)
    path.write_text(registry_file.sign_registry(made, root))
    for place in places:
        for other in place.peers(places):
            file = alliance / f"agreement-{place.code}-{other.code}.json"
            if place.code < other.code and not file.exists():
                file.write_text(_agreement(place, other, now))


def _agreement(one: Place, other: Place, now: datetime) -> str:
    opens = {place.code: [ANYTHING] for place in (one, other)}
    made = registry_file.agreement(one.code, other.code, version=1, opens=opens, valid_from=now - keys.MARGIN)
    return registry_file.sign_agreement(
        made, other.keep.signing_key(), registry_file.sign_agreement(made, one.keep.signing_key())
    )


# What each process is told -----------------------------------------------------------------------------------------------


def _settings(place: Place, bus: Bus, passwords: Passwords) -> None:
    for service in bus.servers:
        told = _of_service(place, service, passwords) | _MORE.get(service, lambda _: {})(place)
        if service == "identity":
            told["PAIRWISE_KEY"] = passwords["fieldKeys"]["pairwise"]
        _environ(place, service, told)
        owner = f"postgresql+psycopg2://{service}_owner:{passwords['database'][f'{service}_owner']}@{place.database}:5432/{service}"
        _environ(place, f"migrate-{service}", {"MIGRATION_DATABASE_URL": owner})
    owner = f"postgresql+psycopg2://portal_owner:{passwords['database']['portal_owner']}@{place.database}:5432/portal"
    _environ(place, "migrate-portal", {"MIGRATION_DATABASE_URL": owner})
    served = {
        "DISTRICT": place.code,
        "HEALTH_ADDRESS": "0.0.0.0:8081",
        "TLS_CERTIFICATE": f"{_RUN}/tls/tls.crt",
        "TLS_KEY": f"{_RUN}/tls/tls.key",
        "ISSUER": place.issuer,
        "CA_FILE": f"{_RUN}/authority/ca.crt",
    }
    identity = {
        "SERVICE_NAME": "identity",
        "LISTEN_ADDRESS": f"0.0.0.0:{place.ports['id']}",
        "DATABASE_URL": _database(place, "identity", passwords),
        "FIELD_KEY": passwords["fieldKeys"]["identity"],
        "PAIRWISE_KEY": passwords["fieldKeys"]["pairwise"],
        "SIGNING_KEYS": f"{_RUN}/identity/identity.jwk",
        "RELYING_PARTIES": f"{_RUN}/parties/parties.json,{_RUN}/portal-party/relying-parties.json",
        "PROOFING": "none",
    }
    gateway = {
        "SERVICE_NAME": "gateway",
        "LISTEN_ADDRESS": f"0.0.0.0:{place.ports['api']}",
        "AMQP_URL": _broker(place, "gateway", passwords),
        "EDGE_KEY": f"{_RUN}/edge-key/edge.jwk",
    }
    _environ(place, "identity_http", served | identity)
    portal = {
        "SERVICE_NAME": "portal",
        "LISTEN_ADDRESS": f"0.0.0.0:{place.ports['www']}",
        "DATABASE_URL": _database(place, "portal", passwords),
        "FIELD_KEY": passwords["fieldKeys"]["portal"],
        "PORTAL_KEY": f"{_RUN}/portal/portal.jwk",
        "PORTAL_URL": place.portal,
        "GATEWAY_URL": place.gateway,
        "DISTRICTS": f"{_RUN}/districts/districts.json",
    }
    _environ(place, "gateway", served | gateway)
    _environ(place, "portal", served | portal)
    superuser = f"postgresql://postgres:{passwords['database']['postgres']}@{place.database}:5432/postgres"
    _environ(place, "setup", {"ADMIN_DATABASE_URL": superuser, "DATABASE_PASSWORDS": f"{_RUN}/passwords"})


def _of_service(place: Place, service: str, passwords: Passwords) -> dict[str, str]:
    return {
        "DISTRICT": place.code,
        "SERVICE_NAME": service,
        "HEALTH_ADDRESS": "0.0.0.0:8081",
        "TRIAL": "false",
        "AMQP_URL": _broker(place, service, passwords),
        "DATABASE_URL": _database(place, service, passwords),
        "FIELD_KEY": passwords["fieldKeys"][service],
        "TRANSIT_KEY": passwords["fieldKeys"]["transit"],
        "EDGE_KEYS": f"{_RUN}/edge-keys/edge.jwks",
    }


def _notification(place: Place) -> dict[str, str]:
    """No server of mail runs here: what would be mailed waits, and is read in the application."""
    return {
        "SMTP_HOST": f"d{place.code}-mail",
        "SMTP_PORT": "587",
        "SMTP_STARTTLS": "required",
        "MAIL_FROM": f"no-reply@d{place.code}.example",
        "PORTAL_URL": place.portal,
    }


def _courier(place: Place) -> dict[str, str]:
    local = f"{_RUN}/courier-local"
    inbox = f"cacertfile={local}/ca.crt&certfile={local}/tls.crt&keyfile={local}/tls.key"
    return {
        "COURIER_KEYS": f"{_RUN}/courier/courier.jwks",
        "COURIER_ROOT": f"{_RUN}/courier/root.jwk",
        "COURIER_INBOX_URL": f"amqps://{place.broker}:5671/courier?{inbox}",
        "COURIER_CERTIFICATE": f"{_RUN}/courier-client/tls.crt",
        "COURIER_CERTIFICATE_KEY": f"{_RUN}/courier-client/tls.key",
    }


def _identity(place: Place) -> dict[str, str]:
    return {"ALLIANCE_ROOT": f"{_RUN}/alliance/root.jwk"}


_MORE = {"notification": _notification, "courier": _courier, "identity": _identity}


def _broker(place: Place, user: str, passwords: Passwords) -> str:
    return f"amqp://{user}:{passwords['broker'][user]}@{place.broker}:5672/district"


def _database(place: Place, service: str, passwords: Passwords) -> str:
    return (
        f"postgresql+psycopg2://{service}_app:{passwords['database'][f'{service}_app']}@{place.database}:5432/{service}"
    )


def _environ(place: Place, process: str, told: Mapping[str, str]) -> None:
    text = "".join(f"TONGBAN_{name}={value}\n" for name, value in sorted(told.items()))
    _write(place.folder / "env" / process, text, 0o600)


# What each process finds -------------------------------------------------------------------------------------------------


def _files(place: Place, passwords: Passwords, alliance: Path, peers: Sequence[Place]) -> None:
    edge, edge_set = place.keep.edge_keys()
    edge_tls = _tls(place, "edge", names=(*place.hosts.values(), "localhost"))
    authorities = "".join(other.keep.authority(other.code) for other in (place, *peers))
    root = json.dumps(json.loads((alliance / "root.pub.jwk").read_text()))
    people = {person: passwords_of_people(place)[person] for person in PEOPLE}
    files: dict[str, dict[str, str]] = {
        service: {"edge-keys/edge.jwks": edge_set}
        for service in ("catalogue", "identity", "case_routing", "terminal_fleet", "hotline", "notification")
    }
    files["identity"]["alliance/root.jwk"] = root
    files["courier"] = {
        "edge-keys/edge.jwks": edge_set,
        "courier/courier.jwks": place.keep.courier_key_set(),
        "courier/root.jwk": root,
        **_under("courier-local", _tls(place, "courier-local", common_name="courier.local")),
        **_under("courier-client", _tls(place, "courier-client", common_name=f"courier.{place.code}")),
        **{f"trust/{path.name}": path.read_text() for path in _trust(alliance, place.code)},
    }
    served = {**_under("tls", edge_tls), "authority/ca.crt": edge_tls["ca.crt"]}
    portal_key, portal_party = place.keep.portal_keys(place.portal)
    parties = {"parties/parties.json": _relying_parties(place), "portal-party/relying-parties.json": portal_party}
    files["identity_http"] = {
        **served,
        **parties,
        "identity/identity.jwk": place.keep.identity_key(),
        "authority/ca.crt": authorities,  # it asks its peers' issuers, too
    }
    files["gateway"] = {**served, "edge-key/edge.jwk": edge}
    files["portal"] = {**served, "portal/portal.jwk": portal_key, "districts/districts.json": _districts(place, peers)}
    files["samples"] = {"people.json": json.dumps(people), "items.csv": ITEMS.read_text()}
    files["setup"] = _under("passwords", passwords["database"])
    files["database"] = {"superuser/postgres": passwords["database"]["postgres"]}
    server = _tls(place, "courier-server", names=(place.broker,))
    files["broker"] = _under("tls", server | {"ca.crt": authorities})
    for process, found in files.items():
        for name, text in found.items():
            _write(place.folder / "files" / process / name, text)


def _districts(place: Place, peers: Sequence[Place]) -> str:
    """What the portal names and links to."""
    rows = [
        {
            "code": one.code,
            "name_zh": one.facts.name_zh,
            "name_en": one.facts.name_en,
            "portal": one.portal,
            "issuer": one.issuer,
        }
        for one in (place, *peers)
    ]
    return json.dumps(rows, ensure_ascii=False, indent=1)


def _relying_parties(place: Place) -> str:
    """None at first; what somebody wrote there stays."""
    path = place.folder / "files" / "identity_http" / "parties" / "parties.json"
    return path.read_text() if path.exists() else "[]"


def passwords_of_people(place: Place) -> dict[str, str]:
    """Of the sample accounts; kept beside the others."""
    path = place.keep.folder / "people.json"
    if not path.exists():
        write_private(path, json.dumps({person: password() for person in PEOPLE}, indent=1))
    return dict(json.loads(path.read_text()))


def _trust(alliance: Path, code: str) -> list[Path]:
    agreements = [path for path in sorted(alliance.glob("agreement-*.json")) if code in path.stem.split("-")]
    return [alliance / "registry.json", *agreements]


def _tls(place: Place, name: str, *, names: tuple[str, ...] = (), common_name: str = "") -> dict[str, str]:
    certificate, key = place.keep.certificate(name, place.code, names=names, common_name=common_name)
    return {"tls.crt": certificate, "tls.key": key, "ca.crt": place.keep.authority(place.code)}


def _under(folder: str, files: Mapping[str, str]) -> dict[str, str]:
    return {f"{folder}/{name}": text for name, text in files.items()}


# Broker and database -----------------------------------------------------------------------------------------------------

#: As charts/district has it (templates/_definitions.tpl), for one machine.
_RABBITMQ = """\
listeners.tcp.default = 5672
listeners.ssl.default = 5671
ssl_options.cacertfile = /run/tongban/tls/ca.crt
ssl_options.certfile = /run/tongban/tls/tls.crt
ssl_options.keyfile = /run/tongban/tls/tls.key
ssl_options.verify = verify_peer
ssl_options.fail_if_no_peer_cert = true
ssl_options.versions.1 = tlsv1.3
ssl_options.versions.2 = tlsv1.2
ssl_cert_login_from = common_name
auth_mechanisms.1 = PLAIN
auth_mechanisms.2 = EXTERNAL
load_definitions = /etc/tongban/broker/definitions.json
log.console = true
log.console.level = info
heartbeat = 20
vm_memory_high_watermark.absolute = 1GiB
disk_free_limit.absolute = 200MB
"""


def _engines(place: Place, bus: Bus, passwords: Passwords, peers: Sequence[Place]) -> None:
    made = definitions(bus, Accounts(passwords["broker"], tuple(sorted(other.code for other in peers))))
    broker = {
        "rabbitmq.conf": _RABBITMQ,
        "advanced.config": "[].\n",
        "enabled_plugins": "[rabbitmq_auth_mechanism_ssl].\n",
        "definitions.json": json.dumps(made, indent=1, sort_keys=True),
        "start.sh": (_CHART / "broker" / "start.sh").read_text(),
    }
    uid = _UID if os.geteuid() == 0 else os.getuid()
    database = {path.name: path.read_text() for path in (_CHART / "database").iterdir()}
    database["postgresql.conf"] += "max_connections = 300\nshared_buffers = '128MB'\n"
    database |= {"pg_ident.conf": "", "passwd": database["passwd"].replace("10001", str(uid))}
    for engine, files in (("broker", broker), ("database", database)):
        (place.folder / "data" / engine).mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            _write(place.folder / "etc" / engine / name, text)


def _write(path: Path, text: str, mode: int = 0o640) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text() != text:
        path.touch(mode=0o600)
        path.write_text(text)
    path.chmod(mode)


def _give(places: Sequence[Place], user: tuple[int, int]) -> None:
    """What is mounted, to whom the containers run as; settings and what is kept stay with whoever made them."""
    for place in places:
        for part in ("files", "etc", "data"):
            for path in (place.folder / part, *(place.folder / part).rglob("*")):
                if part != "data" or path.parent == place.folder / part or path == place.folder / part:
                    shutil.chown(path, *user)
