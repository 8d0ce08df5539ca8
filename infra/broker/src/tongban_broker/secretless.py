"""The definitions as a chart may hold them: whole, but for the password hashes, which are filled in where the secrets are.

for_chart(bus)            what `tongban chart` writes into charts/district, without peers
peer_rows()               the rows of one peer, with `%CODE%` where its division code goes
with_passwords(rows, …)   what the node loads: every user has its hash now
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from tongban_broker.bus import Bus
from tongban_broker.definitions import Accounts, definitions, hashed

#: Stands where a peer's division code goes.
CODE = "%CODE%"


class NoPassword(ValueError):
    """Users of the definitions for which nobody gave a password."""


def for_chart(bus: Bus, peers: tuple[str, ...] = ()) -> dict[str, Any]:
    """Everything that the broker of a district holds; its services' users have no `password_hash` yet."""
    made = definitions(bus, Accounts(services=dict.fromkeys(bus.users, "x"), peers=peers))
    for user in made["users"]:
        if user["name"] in bus.users:
            del user["password_hash"]
    return made


def peer_rows(bus: Bus) -> dict[str, Any]:
    """What the definitions hold for one peer and for nobody else: its user, and its one right."""
    plain, linked = for_chart(bus), for_chart(bus, (CODE,))
    found = {kind: [row for row in linked[kind] if row not in plain[kind]] for kind in linked}
    return {kind: rows for kind, rows in found.items() if rows}


def with_passwords(rows: Mapping[str, Any], password_of: Callable[[str], str | None]) -> dict[str, Any]:
    """The definitions with every hash in place. Raises NoPassword, naming each user that has none."""
    made = copy.deepcopy(dict(rows))
    missing = []
    for user in made["users"]:
        if "password_hash" in user:
            continue
        password = password_of(user["name"])
        if not password:
            missing.append(user["name"])
        else:
            user["password_hash"] = hashed(user["name"], password)
    if missing:
        raise NoPassword(f"no broker password for {', '.join(sorted(missing))}")
    return made
