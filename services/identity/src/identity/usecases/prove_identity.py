"""Raise how strongly somebody's identity is proven: at a source, or at a window. Never lowered, never without a row that says why."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from identity.domain.errors import AccountNotFound, OwnAccount, ProofRefused
from identity.domain.federation import check_ours
from identity.domain.model import Account, AccountKind
from identity.domain.proofs import Proof, Way
from identity.domain.sign_up import normal_id_number, normal_name
from identity.usecases.ports import ProofingSource, Work


def ask_source(source: ProofingSource, account: Account, way: Way, document_ends: date | None, today: date) -> None:
    """Asks outside any transaction. Raises KnownElsewhere, ProofRefused where the source does not confirm it, ProofingAway."""
    check_ours(account)
    person = account.person
    if account.kind is not AccountKind.PERSON:
        raise ProofRefused
    if way is Way.TWO_ELEMENTS:
        confirmed = source.two_elements(person.name, person.id_number)
    elif way is Way.DOCUMENT and document_ends is not None and document_ends >= today:
        confirmed = source.document(person.name, person.id_number, document_ends)
    else:
        confirmed = False
    if not confirmed:
        raise ProofRefused


def record_proof(work: Work, account: Account, proof: Proof) -> Account:
    """The account as it is now. Raises ProofRefused where it is another's number, or not what was proven any more."""
    kept = work.accounts.get_for_change(account.subject)
    if kept is None or not kept.enabled or kept.person != account.person:
        raise ProofRefused
    work.proofs.add(proof)
    if kept.acr >= proof.level:
        return kept
    raised = replace(kept, acr=proof.level, version=kept.version + 1)
    if not work.accounts.save_proven(raised):
        raise ProofRefused
    return raised


def prove_at_window(work: Work, login: str, name: str, id_number: str, proof: Proof) -> Account:
    """The person stood before `proof.by` with their document. `proof.subject` is filled in here.

    Raises AccountNotFound, OwnAccount, ProofRefused where name and number are not the account's.
    """
    account = work.accounts.by_login(login)
    if account is None or account.kind is not AccountKind.PERSON:
        raise AccountNotFound
    if account.subject == proof.by:
        raise OwnAccount
    person = account.person
    if (normal_name(name), normal_id_number(id_number)) != (normal_name(person.name), person.id_number):
        raise ProofRefused
    return record_proof(work, account, replace(proof, subject=account.subject))
