"""What the terminal fleet refuses.

FleetError
├── InvalidKiosk     a field breaks its rule; `details` names the field
├── KioskNotFound    no kiosk has this id
├── KeyTaken         another kiosk signs in by this key
├── HostNotLinked    this district has no agreement with the host
├── NotThisKiosk     a heartbeat that the kiosk's own client did not send
└── NotTheOwner      a district speaks of a kiosk that it does not own
"""

from __future__ import annotations

from typing import ClassVar


class FleetError(Exception):
    """`code` and `kind` cross the wire; the message is for the person in front of it."""

    code: ClassVar[str]
    kind: ClassVar[str]

    def __init__(self, sentence: str, **details: str) -> None:
        super().__init__(sentence)
        self.details = details


class InvalidKiosk(FleetError):
    code = "terminal_fleet.invalid_kiosk"
    kind = "invalid"

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"The kiosk's {field} {rule}.", field=field)


class KioskNotFound(FleetError):
    code = "terminal_fleet.kiosk_not_found"
    kind = "not_found"

    def __init__(self) -> None:
        super().__init__("This district neither owns nor hosts a kiosk with this id; check the id.")


class KeyTaken(FleetError):
    code = "terminal_fleet.key_taken"
    kind = "conflict"

    def __init__(self) -> None:
        super().__init__("Another kiosk signs in by this key; a kiosk makes a key of its own.")


class HostNotLinked(FleetError):
    code = "terminal_fleet.host_not_linked"
    kind = "conflict"

    def __init__(self, host: str) -> None:
        super().__init__(f"This district has no agreement with {host}, so no kiosk of ours can stand there.", host=host)


class NotThisKiosk(FleetError):
    code = "terminal_fleet.not_this_kiosk"
    kind = "forbidden"

    def __init__(self) -> None:
        super().__init__("Only the kiosk itself says that it lives, with its own client, to the district that owns it.")


class NotTheOwner(FleetError):
    code = "terminal_fleet.not_the_owner"
    kind = "forbidden"

    def __init__(self, sender: str) -> None:
        super().__init__(f"District {sender} does not own this kiosk and has no say in it.", sender=sender)
