"""What the hotline refuses.

HotlineError
├── InvalidTicket     a field breaks its rule; `details` names the field
├── TicketNotFound    no ticket has this number, or it is not the asking person's
├── AlreadyAnswered   the ticket is done
├── HandingOver       offered to another district and not yet taken: nobody may act
├── HeldElsewhere     another district is responsible
├── SameDistrict      handed to the district that already has it
├── BounceInstead     handed to the district that it came from
└── NowhereToReturn   given back where it was opened
"""

from __future__ import annotations

from typing import ClassVar


class HotlineError(Exception):
    """`code` and `kind` cross the wire; the message is for the person in front of it."""

    code: ClassVar[str]
    kind: ClassVar[str]

    def __init__(self, sentence: str, **details: str) -> None:
        super().__init__(sentence)
        self.details = details


class InvalidTicket(HotlineError):
    code = "hotline.invalid_ticket"
    kind = "invalid"

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"The ticket's {field} {rule}.", field=field)


class TicketNotFound(HotlineError):
    code = "hotline.ticket_not_found"
    kind = "not_found"

    def __init__(self) -> None:
        super().__init__("There is no ticket with this number, or it is not yours; check the number.")


class AlreadyAnswered(HotlineError):
    code = "hotline.already_answered"
    kind = "conflict"

    def __init__(self) -> None:
        super().__init__("The ticket is answered already; open a new one for a new question.")


class HandingOver(HotlineError):
    code = "hotline.handing_over"
    kind = "conflict"

    def __init__(self, to: str) -> None:
        super().__init__(
            f"The ticket is being handed over to district {to}; until it is taken or comes back, nobody can act on it.",
            offered_to=to,
        )


class HeldElsewhere(HotlineError):
    code = "hotline.held_elsewhere"
    kind = "conflict"

    def __init__(self, holder: str) -> None:
        super().__init__(
            f"District {holder} is responsible for this ticket; only its agents can act on it.", holder=holder
        )


class SameDistrict(HotlineError):
    code = "hotline.same_district"
    kind = "invalid"

    def __init__(self) -> None:
        super().__init__("The ticket is in this district already; name another one.", field="to_district")


class BounceInstead(HotlineError):
    code = "hotline.bounce_instead"
    kind = "conflict"

    def __init__(self, giver: str) -> None:
        super().__init__(f"The ticket came from district {giver}; give it back with a reason instead.", came_from=giver)


class NowhereToReturn(HotlineError):
    code = "hotline.nowhere_to_return"
    kind = "conflict"

    def __init__(self) -> None:
        super().__init__(
            "The ticket was opened here, so there is nobody to give it back to; hand it over or answer it."
        )
