"""Each field of a case has one writing district per phase; the other district holds a copy.

The table is data: acts are checked against it before they are written, what arrives from the other district before it
is copied, and the tests compare every transition with it. A field not named here is each district's own.
"""

from __future__ import annotations

from enum import StrEnum

from case_routing.domain.model import Act, Case, State


class Phase(StrEnum):
    """The part of a case's life that decides who writes."""

    INTAKE = "intake"
    HANDING_OVER = "handing_over"
    HANDLING = "handling"
    DELIVERY = "delivery"
    ENDED = "ended"


class Writer(StrEnum):
    """A district by its part in the case."""

    INTAKE = "intake"
    HANDLING = "handling"
    #: The district to which responsibility is offered; its answer ends the hand-over.
    TAKER = "taker"


_INTAKE, _OVER, _HANDLING, _DELIVERY = Phase.INTAKE, Phase.HANDING_OVER, Phase.HANDLING, Phase.DELIVERY

#: field → phase → its one writing district. A phase that is absent: nobody writes the field then.
WRITERS: dict[str, dict[Phase, Writer]] = {
    "number": {_INTAKE: Writer.INTAKE},
    "item": {_INTAKE: Writer.INTAKE},
    "intake": {_INTAKE: Writer.INTAKE},
    "handling": {_INTAKE: Writer.INTAKE},
    "applicant": {_INTAKE: Writer.INTAKE},
    "materials": {_INTAKE: Writer.INTAKE},
    "kiosk_id": {_INTAKE: Writer.INTAKE},
    "submitted_at": {_INTAKE: Writer.INTAKE},
    "received_at": {_INTAKE: Writer.INTAKE},
    "state": {_INTAKE: Writer.INTAKE, _OVER: Writer.TAKER, _HANDLING: Writer.HANDLING, _DELIVERY: Writer.INTAKE},
    "responsibility": {
        _INTAKE: Writer.INTAKE,
        _OVER: Writer.TAKER,
        _HANDLING: Writer.HANDLING,
        _DELIVERY: Writer.INTAKE,
    },
    "custody": {_INTAKE: Writer.INTAKE, _OVER: Writer.TAKER},
    "accepted_at": {_HANDLING: Writer.HANDLING},
    "decision": {_HANDLING: Writer.HANDLING},
    "closed_at": {_INTAKE: Writer.INTAKE, _HANDLING: Writer.HANDLING, _DELIVERY: Writer.INTAKE},
}

#: Fields that each district keeps for itself.
OWN = frozenset({"here", "version", "history", "traces", "updated_at", "attention", "offer_id"})

#: The phase that an act belongs to. Withdrawal belongs to the phase that it ends, so it stands in none.
PHASE_OF_ACT: dict[Act, Phase] = {
    Act.SUBMITTED: _INTAKE,
    Act.RECEIVED: _INTAKE,
    Act.HAND_OVER_TAKEN: _OVER,
    Act.ACCEPTED: _HANDLING,
    Act.REVIEW_STARTED: _HANDLING,
    Act.GRANTED: _HANDLING,
    Act.REFUSED: _HANDLING,
    Act.PRODUCED: _HANDLING,
    Act.DELIVERED: _DELIVERY,
    Act.CLOSED: _DELIVERY,
}

_PHASE_OF_STATE = {
    State.SUBMITTED: _INTAKE,
    State.RECEIVED: _INTAKE,
    State.FORWARDED: _HANDLING,
    State.ACCEPTED: _HANDLING,
    State.UNDER_REVIEW: _HANDLING,
    State.GRANTED: _HANDLING,
    State.REFUSED: _DELIVERY,
    State.PRODUCED: _DELIVERY,
    State.DELIVERED: _DELIVERY,
    State.CLOSED: Phase.ENDED,
    State.WITHDRAWN: Phase.ENDED,
}


def phase_of(case: Case) -> Phase:
    """The phase that the case is in, as this copy knows it; what is decided is still being handled until it is handed back."""
    if case.responsibility.handing_over:
        return Phase.HANDING_OVER
    phase = _PHASE_OF_STATE[case.state]
    return Phase.HANDLING if phase is Phase.DELIVERY and case.responsibility.holder != case.intake else phase


def writer(field: str, phase: Phase, *, intake: str, handling: str, taker: str = "") -> str:
    """Division code of the one district that writes `field` in `phase`; "" where nobody does."""
    role = WRITERS[field].get(phase)
    return {Writer.INTAKE: intake, Writer.HANDLING: handling, Writer.TAKER: taker, None: ""}[role]


def may_write_act(act: Act, district: str, case: Case) -> bool:
    """Whether `district` is the one that moves the case's state by `act`; acts that leave it alone are anybody's of the two."""
    phase = PHASE_OF_ACT.get(act)
    if phase is None or phase is Phase.HANDING_OVER:
        return district in (case.intake, case.handling)
    return district == writer("state", phase, intake=case.intake, handling=case.handling)
