"""Changes a district's keys without a pause: the new one is known wherever it must be before it is used, and the old one stays
known until nothing is left that needs it.

    step(keep, code, kind, verb, now)  → Kind, which says what comes next
    standing(keep)                     → a row for each kind: where it stands

| kind         | what                                                         | who decides when it is used |
|--------------|--------------------------------------------------------------|-----------------------------|
| signing      | what the courier signs with                                  | the registry                |
| sealing      | what peers seal to                                           | the registry                |
| identity     | what tokens are signed with                                  | `use`                       |
| edge         | what the gateway says on whose behalf it calls with          | `use`                       |
| transit      | what seals messages for and from other districts at rest     | `use`                       |
| field        | what seals personal data at rest, a key a service            | `use`                       |
| authority    | the own authority, and every certificate with it             | `use`                       |
| certificates | what the own authority issued (`renew`: at once)             |                             |
| passwords    | of broker users and database roles (`renew`: at once)        |                             |

A step that is not the next one is refused, and so is `drop` while something may still need the old key.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from courier import keys
from courier.domain.canonical import parse_time, time_text
from tongban_broker.bus import Bus

from tongban_cli.district_errors import DistrictError
from tongban_cli.district_keep import Keep, write_private

#: What was sealed to an old key may be kept, and asked for again, so long: bodies for 30 days after the receipt.
KEPT_FOR = timedelta(days=45)

_RELEASE = "`tongban district secrets {code}`, then helm upgrade with secretsRevision raised"
_REGISTRY = "`tongban registry make … --bundle {join}`, signed and installed"


@dataclass(frozen=True)
class Kind:
    """How one kind of key is changed: what each step does, and how long an old one must stay known."""

    steps: Mapping[str, Callable[[Keep, str, datetime], object]]
    next: Mapping[str, str]
    wait: timedelta = timedelta()
    #: Stands in the join bundle, so that is written anew.
    shown: bool = False


def _courier_key(use: str, after: str) -> Kind:
    return Kind(
        {
            "add": lambda keep, _, now: keys.add_district_key(keep.courier_keys, use, now),
            "drop": lambda keep, _, now: keys.retire_district_keys(keep.courier_keys, use, now, KEPT_FOR),
        },
        {
            "add": f"{_RELEASE}, so that the courier has it; then the registry ({_REGISTRY}), from which on it is used; "
            "when every peer has that version: drop",
            "drop": f"{_RELEASE}; then the registry ({_REGISTRY}), which ends the old one. {after}",
        },
        shown=True,
    )


def _pair(name: str, add: str, wait: timedelta) -> Kind:
    return Kind(
        {
            "add": lambda keep, code, now: keep.add_other(name),
            "use": lambda keep, code, now: keep.swap(name),
            "drop": lambda keep, code, now: keep.drop_other(name),
        },
        {"add": f"{_RELEASE}: {add}; then use", "use": f"{_RELEASE}; then drop", "drop": _RELEASE},
        wait,
    )


def _add_transit(keep: Keep, code: str, now: datetime) -> None:
    bus = Bus.load()
    keep.set_transit_keys(bus, [*keep.transit_keys(bus), keep.fresh_key()])


def _use_transit(keep: Keep, code: str, now: datetime) -> None:
    bus = Bus.load()
    old, new = keep.transit_keys(bus)
    keep.set_transit_keys(bus, [new, old])


def _drop_transit(keep: Keep, code: str, now: datetime) -> None:
    bus = Bus.load()
    keep.set_transit_keys(bus, keep.transit_keys(bus)[:1])


KINDS: dict[str, Kind] = {
    "signing": _courier_key(keys.SIGNING, "Its public half stays in every registry: what it signed stays proven."),
    "sealing": _courier_key(keys.SEALING, f"The old one opens what comes late for {KEPT_FOR.days} days: then drop once more."),
    "identity": _pair("identity", "every verifier finds it before a token needs it", timedelta(hours=1)),
    "edge": _pair("edge", "every service knows it before the gateway uses it", timedelta(minutes=5)),
    # Outbox rows stay seven days after the confirm and may be sent again.
    "transit": Kind(
        {"add": _add_transit, "use": _use_transit, "drop": _drop_transit},
        {
            "add": f"{_RELEASE}, so that every process opens it; then use",
            "use": f"{_RELEASE}; after eight days, and with nothing parked from before: drop",
            "drop": _RELEASE,
        },
        timedelta(days=8),
    ),
    # Forms and sign-ins under way are over by then; rows are the processes' own to refuse (chassis.resealing).
    "field": Kind(
        {
            "add": lambda keep, code, now: keep.change_field_keys(Bus.load(), lambda old: [*old, keep.fresh_field_key()]),
            "use": lambda keep, code, now: keep.change_field_keys(Bus.load(), lambda both: [*both[1:], both[0]]),
            "drop": lambda keep, code, now: keep.change_field_keys(Bus.load(), lambda both: both[:1]),
        },
        {
            "add": f"{_RELEASE}, so that every process opens it; then use",
            "use": f"{_RELEASE}; then helm upgrade with reseal set; when its Jobs left no row: drop",
            "drop": f"{_RELEASE}; whoever still needs the old one does not begin, and says which rows",
        },
        timedelta(hours=1),
    ),
    "authority": Kind(
        {
            "add": lambda keep, code, now: keep.add_authority(code),
            "use": lambda keep, code, now: keep.swap_authorities(),
            "drop": lambda keep, code, now: keep.drop_authority(),
        },
        {
            "add": f"{_RELEASE}; give {{join}} to every peer, which accepts it and makes its Secrets anew; then the registry "
            f"({_REGISTRY}); when every peer has both: use",
            "use": f"{_RELEASE}: every certificate is new; then drop",
            "drop": f"{_RELEASE}; then the registry ({_REGISTRY}) and {{join}} to every peer, which end the old one",
        },
        timedelta(minutes=5),
        shown=True,
    ),
    "certificates": Kind({"renew": lambda keep, code, now: keep.renew_certificates()}, {"renew": _RELEASE}),
    "passwords": Kind(
        {"renew": lambda keep, code, now: keep.renew_passwords(Bus.load())},
        {"renew": f"{_RELEASE}, at once: whoever loses a connection meanwhile waits for the new password"},
    ),
}  # fmt: skip


def step(keep: Keep, code: str, kind: str, verb: str, now: datetime, *, early: bool = False) -> Kind:
    """Takes the next step of one kind. Raises DistrictError where it is not the next, or comes too early."""
    known, found = KINDS[kind], _read(keep)
    if verb not in known.steps:
        raise DistrictError("no_step", f"{kind} has the steps {', '.join(known.steps)}, not {verb}")
    if kind in ("authority", "certificates") and not keep.has_authority:
        keep.issuers(code)  # makes the own one where nobody has asked for it yet
        if not keep.has_authority:
            raise DistrictError("no_authority", f"another authority issues {code}'s certificates: have it renew them")
    allowed, since = _next(known, found.get(kind))
    # Once more, when what was sealed to the old one is over.
    again = (kind, verb, found.get(kind, {}).get("step")) == ("sealing", "drop", "drop")
    if verb not in allowed and not again:
        raise DistrictError("not_next", f"{kind}: the next step is {' or '.join(allowed)}, not {verb}")
    if verb == "drop" and since and since + known.wait > now and not early:
        when = f"{since + known.wait:%Y-%m-%d %H:%M} UTC"
        raise DistrictError("too_early", f"{kind}: something may need the old one until {when}; --early loses that")
    known.steps[verb](keep, code, now)
    found[kind] = {"step": verb, "at": time_text(now)}
    write_private(_file(keep), json.dumps(found, indent=1))
    return known


def standing(keep: Keep) -> list[tuple[str, str, str]]:
    """Kind, where it stands, the next steps."""
    found, rows = _read(keep), []
    for kind, known in KINDS.items():
        last = found.get(kind)
        said = f"{last['step']} on {last['at'][:10]}" if last else "as it was made"
        rows.append((kind, said, " or ".join(_next(known, last)[0])))
    return rows


def unfinished(keep: Keep, now: datetime, longer_than: timedelta) -> list[tuple[str, str, str]]:
    """Kinds of which two keys have been in force for longer: kind, when the last step was, the next steps."""
    return [
        (kind, at.strftime("%Y-%m-%d"), " or ".join(following))
        for kind, last in _read(keep).items()
        for following, at in [_next(KINDS[kind], last)]
        if at is not None and at + longer_than < now
    ]


def _next(kind: Kind, last: Mapping[str, str] | None) -> tuple[list[str], datetime | None]:
    """The steps that may be taken now, and when the last one was."""
    order = list(kind.steps)
    if last is None or last["step"] == order[-1]:
        return order[:1], None
    return [order[order.index(last["step"]) + 1]], parse_time(last["at"])


def _read(keep: Keep) -> dict[str, dict[str, str]]:
    path = _file(keep)
    return dict(json.loads(path.read_text())) if path.exists() else {}


def _file(keep: Keep) -> Path:
    return keep.folder / "rotation.json"
