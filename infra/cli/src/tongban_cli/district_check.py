"""What is missing before a district can work with its peers, in plain words, read from files alone.

    findings(folder, keep, now) → [Finding]    nothing missing: an empty list

Files, keys, peers that were not accepted or have no agreement, a registry that does not name us. Nothing is connected to.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from courier import registry_file
from courier.domain.errors import CourierError
from courier.domain.registry import Registry, State
from courier.keys import SEALING, SIGNING

from tongban_cli import district_bundle
from tongban_cli.district_errors import DistrictError
from tongban_cli.district_folder import MOST_LINES, DistrictFolder
from tongban_cli.district_keep import Keep, ends
from tongban_cli.district_rotation import unfinished

#: What ends sooner is said now.
_SOON = timedelta(days=14)
#: A change of keys is not left half done for longer.
_TWO_KEYS = timedelta(days=45)
#: What peers must learn of first.
_YEARLY = timedelta(days=45)


@dataclass(frozen=True)
class Finding:
    """One thing that is missing: a stable code, and what to do."""

    code: str
    sentence: str


def findings(folder: DistrictFolder, keep: Keep, now: datetime) -> list[Finding]:
    """All of them, the first things first."""
    found = [*_files(folder), *_keys(folder, keep, now), *_bundle(folder, now)]
    registry, wrong = _registry(folder, now)
    found += wrong
    found += [one for code in folder.peers() for one in _peer(folder, code, registry, now)]
    if registry is not None:
        found += _in_registry(folder, keep, registry)
    return found


def _files(folder: DistrictFolder) -> Iterator[Finding]:
    code = folder.code
    for path, have in ((folder.local, folder.facts()), (folder.values, folder.release())):
        if not path.exists():
            yield Finding("district.no_file", f"{path} is not there: `tongban district new {code}` writes it")
            continue
        told = have.get("code") if path == folder.local else (have.get("district") or {}).get("code")
        if told != code:
            yield Finding("district.wrong_code", f"{path} is of {told!r}: it must say {code!r}, in quotes")
    if folder.values.exists() and (lines := len(folder.values.read_text().splitlines())) >= MOST_LINES:
        yield Finding(
            "district.long_values", f"{folder.values} has {lines} lines: what every district has belongs in the chart"
        )
    if folder.values.exists() and not (folder.release().get("courier") or {}).get("host"):
        yield Finding("district.no_host", f"{folder.values} has no courier.host: peers would not know where to deliver")


def _keys(folder: DistrictFolder, keep: Keep, now: datetime) -> Iterator[Finding]:
    if not keep.exists():
        make = f"`tongban district new {folder.code}` makes them; if they are kept on another machine, check there (--keep)"
        yield Finding("district.no_keys", f"there are no keys in {keep.folder}: {make}")
        return
    for use in (SIGNING, SEALING):
        if not any(key.use == use and key.valid_at(now) for key in keep.public_keys()):
            yield Finding(
                "district.no_keys", f"{keep.courier_keys} has no key of use {use!r} that is valid now: add one"
            )
    if keep.has_authority and not keep.is_followed and (end := ends(keep.issuers(folder.code)[0])) < now + _YEARLY:
        how = f"`tongban district rotate {folder.code} authority add` begins with the next"
        yield Finding(
            "district.authority_ends",
            f"the authority of its certificates ends on {end:%Y-%m-%d}, and they with it: {how}",
        )

    for kind, since, following in unfinished(keep, now, _TWO_KEYS):
        yield Finding(
            "district.two_keys",
            f"the change of its {kind} keys stands still since {since}, and the old one is still believed: "
            f"`tongban district rotate {folder.code} {kind} {following}` goes on",
        )


def _bundle(folder: DistrictFolder, now: datetime) -> Iterator[Finding]:
    again = f"`tongban district new {folder.code}` writes it anew"
    if not folder.join.exists():
        yield Finding(
            "district.no_bundle", f"{folder.join} is not there: {again}; peers and the registry are made from it"
        )
        return
    try:
        bundle = district_bundle.read(folder.join.read_text(), now, expected=folder.code)
    except DistrictError as error:
        yield Finding(error.code, f"{folder.join}: {error.sentence}")
        return
    if bundle.expires_at < now + _SOON:
        yield Finding(
            "district.bundle_ends", f"{folder.join} can be accepted until {bundle.expires_at:%Y-%m-%d}: {again}"
        )


def _registry(folder: DistrictFolder, now: datetime) -> tuple[Registry | None, list[Finding]]:
    """The registry that is kept beside the districts, once the root's signature holds."""
    path, root = folder.districts.trust / "registry.json", folder.districts.trust / "root.pub.jwk"
    if not path.exists():
        sentence = f"{path} is not there: put the alliance's newest registry there, and install it (tongban registry)"
        return None, [Finding("district.no_registry", sentence)]
    if not root.exists():
        sentence = f"{root} is not there: the registry cannot be checked without the alliance's public root key"
        return None, [Finding("district.no_root", sentence)]
    try:
        registry = registry_file.read_registry(path.read_text(), json.loads(root.read_text()))
    except (CourierError, ValueError, KeyError) as error:
        return None, [Finding("district.bad_registry", f"{path}: {error}: get it again from the alliance")]
    if registry.expires_at <= now:
        over = (
            f"{path}, version {registry.version}, ended on {registry.expires_at:%Y-%m-%d}: links close 24 hours later"
        )
        return registry, [Finding("district.registry_over", f"{over}; get the next version")]
    if registry.expires_at < now + _SOON:
        soon = f"{path}, version {registry.version}, ends on {registry.expires_at:%Y-%m-%d}: get the next version"
        return registry, [Finding("district.registry_ends", soon)]
    return registry, []


def _in_registry(folder: DistrictFolder, keep: Keep, registry: Registry) -> Iterator[Finding]:
    code = folder.code
    member = registry.members.get(code)
    said = f"the registry, version {registry.version},"
    if member is None:
        how = f"`tongban registry make --previous … --bundle {folder.join}`, signed with the root key, is the next one"
        yield Finding("district.not_in_registry", f"{said} does not name {code}: {how}")
        return
    if member.state is State.SUSPENDED:
        yield Finding("district.suspended", f"{said} suspends {code}: peers refuse its messages; talk to the alliance")
    shown = {key.kid for key in member.keys if key.valid_until is None}
    if keep.exists() and not {key.kid for key in keep.public_keys()} <= shown:
        how = f"`tongban registry make --previous … --bundle {folder.join}` shows them"
        yield Finding(
            "district.other_keys", f"{said} does not show every key of {code}: nobody believes the others; {how}"
        )
    host = (folder.release().get("courier") or {}).get("host", "")
    if host and member.broker.rpartition(":")[0] != host:
        yield Finding("district.other_host", f"{said} sends peers to {member.broker}, but courier.host is {host}")
    for peer in registry.peers(code):
        if peer.code not in folder.peers():
            how = f"`tongban district accept` its bundle, or it cannot log in to {code}'s broker"
            yield Finding(
                "district.no_peer", f"{said} links {code} with {peer.code}, which {folder.values} does not list: {how}"
            )


def _peer(folder: DistrictFolder, code: str, registry: Registry | None, now: datetime) -> Iterator[Finding]:
    districts = folder.districts
    if not districts.accepted(code).exists() and not districts[code].join.exists():
        how = "ask it for its join bundle, and `tongban district accept` it here"
        yield Finding(
            "district.not_accepted", f"{code} is a peer, but nobody has checked its keys and addresses: {how}"
        )
    if registry is not None:
        if code not in registry.members:
            yield Finding(
                "district.peer_not_in_registry", f"{code} is a peer, but the registry does not name it: no link opens"
            )
        elif not registry.linked(folder.code, code):
            yield Finding(
                "district.not_linked", f"{code} is a peer, but the registry does not link it with {folder.code}"
            )
    yield from _agreement(folder, code, registry, now)


def _agreement(folder: DistrictFolder, code: str, registry: Registry | None, now: datetime) -> Iterator[Finding]:
    path = folder.districts.agreement(folder.code, code)
    if not path.exists():
        how = f"make one, have both sign it (tongban agreement), and put it at {path}"
        yield Finding(
            "district.no_agreement",
            f"there is no agreement with {code}, so neither may open anything at the other: {how}",
        )
        return
    if registry is None:
        return  # who signed it cannot be said without the registry's keys, which is a finding of its own
    try:
        made = registry_file.read_agreement(path.read_text(), registry)
    except CourierError as error:
        yield Finding(
            "district.bad_agreement", f"{path}: {error}: have both parties sign it with the keys in the registry"
        )
        return
    if set(made.parties) != {folder.code, code}:
        yield Finding("district.bad_agreement", f"{path} is between {' and '.join(made.parties)}")
    elif not made.in_force(now):
        yield Finding(
            "district.agreement_not_in_force", f"{path}, version {made.version}, is not in force now: make the next"
        )
