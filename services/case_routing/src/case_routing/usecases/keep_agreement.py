"""Keeps a signed agreement that the courier installed, so that no application waits for an answer of the courier."""

from __future__ import annotations

from case_routing.domain.agreements import Agreement
from case_routing.domain.errors import AgreementDiffers, BadAgreement
from case_routing.usecases.ports import Work


def keep_agreement(work: Work, here: str, made: Agreement, text: str) -> bool:
    """False where this version is kept already. Raises BadAgreement for one of others, AgreementDiffers for another text."""
    if here not in made.parties:
        raise BadAgreement("this district is no party")
    kept = work.agreements.text(made)
    if kept is not None and kept != text:
        raise AgreementDiffers(made.version)
    if kept is None:
        work.agreements.add(made, text)
    return kept is None
