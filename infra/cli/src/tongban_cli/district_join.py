"""Two districts become peers: what one says of itself, and what the other does with it.

introduce(folder, keep, …)   → Bundle    the folder and the keys where they are not there, and join.json
peer_row(member, …)          → the line in the other's values.yaml
accept(folder, text, …)      → whether anything changed
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from courier import keys, registry_file
from courier.domain.registry import Member

from tongban_cli import district_bundle
from tongban_cli.district_bundle import Bundle
from tongban_cli.district_errors import DistrictError
from tongban_cli.district_folder import DistrictFolder
from tongban_cli.district_keep import Keep, write_private

#: The port of charts/district, courier.service.port.
_PORT = 5671
_IN_CLUSTER = re.compile(r"[a-z0-9-]+\.([a-z0-9-]+)\.svc(\.[a-z.]+)?\Z")
#: A bundle that can be accepted for less than this is made anew.
_RENEW = timedelta(days=30)


def introduce(folder: DistrictFolder, keep: Keep, now: datetime, authority: Path | None = None) -> tuple[Bundle, bool]:
    """Makes what is missing; a bundle that still says what is so stays as it is. Returns whether it was written."""
    keep.make(now)
    if authority is not None:
        write_private(keep.other_authority, authority.read_text())
    member = _member(folder, keep)
    if folder.join.exists() and (known := _known(folder, now)) and known.member == member:
        return known, False
    folder.join.write_text(district_bundle.make(member, keep.signing_key(), now))
    return district_bundle.read(folder.join.read_text(), now, expected=folder.code), True


def _known(folder: DistrictFolder, now: datetime) -> Bundle | None:
    try:
        return district_bundle.read(folder.join.read_text(), now + _RENEW)
    except DistrictError:
        return None


def _member(folder: DistrictFolder, keep: Keep) -> Member:
    """The district as the registry will have it: names from local.yaml, addresses from values.yaml."""
    code, facts, values = folder.code, folder.facts(), folder.release()
    courier = values.get("courier") or {}
    host = courier.get("host") or f"d{code}-courier-inbox.d{code}.svc"
    port = (courier.get("service") or {}).get("port") or _PORT
    public = (values.get("public") or {}).get("issuer") or f"https://d{code}-identity-http.d{code}.svc"
    issuers = keep.issuers(code)
    if not issuers:
        raise DistrictError("bad_authority", f"{keep.other_authority} holds no certificate in PEM: give --tls-ca again")
    shown = [*keep.public_keys(), *(keys.tls_key(issuer, _begins(issuer)) for issuer in issuers)]
    try:
        return registry_file.member(
            code,
            name_zh=facts["name_zh"],
            name_en=facts["name_en"],
            broker=f"{host}:{port}",
            issuer=public,
            keys=shown,
            relation=facts["relation"],
            linked_to=facts.get("linked_to", ()),
        )
    except (KeyError, ValueError) as error:
        raise DistrictError(
            "bad_file", f"{folder.local}: {error}: name_zh, name_en and relation must stand there"
        ) from None


def _begins(certificate_pem: str) -> datetime:
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificate(certificate_pem.encode()).not_valid_before_utc
    except ValueError:
        raise DistrictError("bad_authority", "--tls-ca: the file is no certificate in PEM") from None


def peer_row(member: Member, cidrs: Sequence[str] = (), namespace: str = "") -> str:
    """The peer as a line of values.yaml: where connections to and from it may go. Raises DistrictError."""
    host, _, port = member.broker.rpartition(":")
    network = ", ".join(_network(host, cidrs, namespace))
    own_port = f", port: {port}" if int(port) != _PORT else ""
    return f'  - {{code: "{member.code}", network: [{network}]{own_port}}} # {" ".join(member.name_zh.split())}'


def _network(host: str, cidrs: Sequence[str], namespace: str) -> list[str]:
    found = _IN_CLUSTER.match(host)
    if not cidrs and (namespace or found):
        name = namespace or (found[1] if found else "")
        return [f"{{namespaceSelector: {{matchLabels: {{kubernetes.io/metadata.name: {name}}}}}}}"]
    try:
        blocks = [ipaddress.ip_network(cidr) for cidr in cidrs or [host]]
    except ValueError as error:
        what = f"{error}" if cidrs else f"{host} is a name, and a NetworkPolicy knows addresses"
        raise DistrictError(
            "no_network", f"{what}: give the addresses of its broker and its courier, --cidr 203.0.113.7/32"
        ) from None
    return [f"{{ipBlock: {{cidr: {block}}}}}" for block in blocks]


def check_new(folder: DistrictFolder, bundle: Bundle, *, replace: bool) -> None:
    """Whether `folder`'s district may take this peer. Raises DistrictError."""
    member, path = bundle.member, folder.districts.accepted(bundle.member.code)
    if not folder.values.exists():
        raise DistrictError("no_file", f"{folder.values} is not there: `tongban district new {folder.code}` writes it")
    if member.code == folder.code:
        raise DistrictError("own_bundle", f"it is this district's own: {folder.code} accepts the other side's")
    facts = folder.facts()
    for code, relation, linked in (
        (folder.code, facts.get("relation"), facts.get("linked_to", ())),
        (member.code, member.relation.value, member.linked_to),
    ):
        other = member.code if code == folder.code else folder.code
        if relation == "bilateral" and other not in linked:
            raise DistrictError("not_linked", f"{code} is bilateral and does not name {other}: no link would open")
    if path.exists() and not replace:
        known = district_bundle.read_accepted(path.read_text())
        if known.thumbprint not in {key.kid for key in member.keys}:
            how = "compare the new fingerprint with them by telephone, then --replace"
            raise DistrictError(
                "key_changed", f"{member.code} was accepted here with the key {known.fingerprint}: {how}"
            )


def accept(folder: DistrictFolder, bundle: Bundle, text: str, row: str) -> list[Path]:
    """Keeps the bundle and puts the peer into the values. Returns the files that changed."""
    path = folder.districts.accepted(bundle.member.code)
    changed: list[Path] = []
    if folder.add_peer(bundle.member.code, row):
        changed.append(folder.values)
    if not path.exists() or path.read_text() != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        changed.append(path)
    return changed


def facts_of(bundle: Bundle, now: datetime) -> list[tuple[str, Any]]:
    """What a reviewer looks at."""
    member = bundle.member
    linked = f", linked to {', '.join(sorted(member.linked_to))}" if member.linked_to else ""
    shown = [
        ("district", f"{member.code} {member.name_zh} {member.name_en}"),
        ("relation", f"{member.relation.value}{linked}"),
    ]
    shown += [("courier", member.broker), ("issuer", member.issuer)]
    for key in member.keys:
        until = f" to {key.valid_until:%Y-%m-%d}" if key.valid_until else ""
        state = "" if key.valid_at(now) else ", not valid now"
        shown.append((f"key {key.use}", f"{key.kid} ({key.alg}), from {key.valid_from:%Y-%m-%d}{until}{state}"))
    shown.append(("bundle", f"made {bundle.made_at:%Y-%m-%d}, to be accepted until {bundle.expires_at:%Y-%m-%d}"))
    return [*shown, ("fingerprint", bundle.fingerprint)]
