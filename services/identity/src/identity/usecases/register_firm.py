"""Somebody makes known a firm that they are the legal representative of."""

from __future__ import annotations

from datetime import datetime

from identity.domain.errors import ProofRefused
from identity.domain.federation import check_ours
from identity.domain.firms import Firm, check_proven
from identity.domain.model import Account
from identity.domain.proofs import Proof
from identity.usecases.ports import ProofingSource, Work


def ask_register(source: ProofingSource, name: str, credit_code: str, account: Account) -> None:
    """Asks the register of firms, outside any transaction. Raises KnownElsewhere, NotProven, ProofRefused, ProofingAway."""
    check_ours(account)
    check_proven(account)
    person = account.person
    if not source.representative(name, credit_code, person.name, person.id_number):
        raise ProofRefused


def register_firm(work: Work, name: str, credit_code: str, account: Account, proof: Proof, *, now: datetime) -> Firm:
    """The firm; one that is known here gets the representative and name that the register has now.

    `proof.subject` is the subject of a new firm. Mandates that an earlier representative gave stay: the firm gave them.
    """
    kept = work.firms.by_credit_code(credit_code)
    if kept is None:
        firm = Firm(proof.subject, name, credit_code, account.subject, proof.level, now)
        if work.firms.add(firm):
            work.proofs.add(proof)
            return firm
        kept = work.firms.by_credit_code(credit_code)
    if kept is None or not kept.enabled:
        raise ProofRefused
    firm = kept.led_by(account.subject, name, proof.level)
    if firm is not kept:
        work.firms.save(firm)
        work.proofs.add(Proof(proof.id, kept.subject, proof.way, proof.source, proof.by, proof.at))
    return firm
