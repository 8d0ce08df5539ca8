"""The table of writers is whole, and it is what acts and letters are held against."""

from __future__ import annotations

from dataclasses import fields

import pytest
from case_routing.domain.errors import NotAParty
from case_routing.domain.events import Acted, Arrived
from case_routing.domain.letters import Dossier, read
from case_routing.domain.model import Act, Case, Entry, Mode, State
from case_routing.domain.policies import MOVES, accept, grant
from case_routing.domain.writers import OWN, PHASE_OF_ACT, WRITERS, Phase, Writer, may_write_act, phase_of, writer

from ..factories import HANDLING, INTAKE, at, forwarded, submitted


def test_every_field_of_a_case_has_its_writers_or_is_each_districts_own():
    named = {field.name for field in fields(Case)}
    assert WRITERS.keys() | OWN == named
    assert not WRITERS.keys() & OWN


def test_nobody_writes_a_case_that_has_ended():
    assert [name for name, phases in WRITERS.items() if Phase.ENDED in phases] == []


@pytest.mark.parametrize(
    ("field", "phase", "district"),
    [
        ("state", Phase.INTAKE, INTAKE),
        ("state", Phase.HANDING_OVER, HANDLING),
        ("state", Phase.HANDLING, HANDLING),
        ("state", Phase.DELIVERY, INTAKE),
        ("decision", Phase.HANDLING, HANDLING),
        ("decision", Phase.INTAKE, ""),
        ("decision", Phase.DELIVERY, ""),
        ("applicant", Phase.INTAKE, INTAKE),
        ("applicant", Phase.HANDLING, ""),
        ("materials", Phase.HANDLING, ""),
    ],
)
def test_who_writes_what_when(field, phase, district):
    assert writer(field, phase, intake=INTAKE, handling=HANDLING, taker=HANDLING) == district


def test_every_act_that_moves_the_state_belongs_to_a_phase():
    assert MOVES.keys() <= PHASE_OF_ACT.keys()
    assert {Writer.INTAKE, Writer.HANDLING} == {WRITERS["state"][PHASE_OF_ACT[act]] for act in MOVES}


def test_the_phase_follows_the_state_and_the_hand_over():
    case = submitted(Mode.PROXY_COLLECTION).case
    assert phase_of(case) is Phase.INTAKE
    giver, taker = forwarded()
    assert (phase_of(giver), phase_of(taker)) == (Phase.HANDING_OVER, Phase.HANDLING)
    decided = grant(accept(taker, at(3)).case, "", "document-1", at(4)).case
    assert phase_of(decided) is Phase.HANDING_OVER


@pytest.mark.parametrize("act", [Act.ACCEPTED, Act.GRANTED, Act.REFUSED, Act.PRODUCED])
def test_an_act_of_the_other_phase_in_a_letter_is_not_copied(act):
    """The intake district claims to have done what only the handling district may do."""
    _, case = forwarded()
    assert not may_write_act(act, INTAKE, case)
    forged = Acted(case.number, Entry(INTAKE, 99, 2, act, at(5).now, state=State.UNDER_REVIEW))
    with pytest.raises(NotAParty):
        read(Dossier(HANDLING, case.number, case), Arrived(forged, INTAKE), at(6))


def test_an_entry_of_a_third_district_is_not_copied():
    _, case = forwarded()
    forged = Acted(case.number, Entry("330102", 1, 2, Act.WITHDRAWN, at(5).now, state=State.WITHDRAWN))
    for sender in ("330102", INTAKE):
        with pytest.raises(NotAParty):
            read(Dossier(HANDLING, case.number, case), Arrived(forged, sender), at(6))
