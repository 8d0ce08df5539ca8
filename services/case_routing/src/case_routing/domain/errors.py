"""What the domain refuses, and what to do then.

    CaseError, one class a code, by kind:
        invalid     the request has to change: missing_material, digest_mismatch, reasons_required …
        too_large   material_too_large
        not_found   unknown_item, unknown_case, material_not_here
        forbidden   this person, or this district, has no part in the case: not_yours, outside_mandate, material_not_open,
                    not_a_party
        conflict    right request, wrong moment; read the case again: handing_over, already_decided,
                    no_agreement, not_agreed …

`details` names fields and values, never personal data.
"""

from __future__ import annotations

from collections.abc import Iterable


class CaseError(Exception):
    """A refusal with a stable code, a kind, and a sentence that says what to do."""

    code = ""
    kind = ""

    def __init__(self, sentence: str, **details: str) -> None:
        super().__init__(sentence)
        self.details = details


class UnknownItem(CaseError):
    code, kind = "case_routing.unknown_item", "not_found"

    def __init__(self, item_code: str) -> None:
        super().__init__(
            "No item has this code here; search the catalogue and send a code from it.", item_code=item_code
        )


class ItemNotOffered(CaseError):
    code, kind = "case_routing.item_not_offered", "invalid"

    def __init__(self, item_code: str) -> None:
        super().__init__(
            "The item cannot be applied for online yet; choose another or ask at the hall.", item_code=item_code
        )


class MissingMaterial(CaseError):
    code, kind = "case_routing.missing_material", "invalid"

    def __init__(self, keys: Iterable[str]) -> None:
        super().__init__(
            "Required materials are missing; add each one named and send the application again.", keys=", ".join(keys)
        )


class UnknownMaterial(CaseError):
    code, kind = "case_routing.unknown_material", "invalid"

    def __init__(self, keys: Iterable[str]) -> None:
        super().__init__("The item asks for no such material; use the keys that the item lists.", keys=", ".join(keys))


class BadMaterial(CaseError):
    code, kind = "case_routing.bad_material", "invalid"

    def __init__(self, key: str, why: str) -> None:
        super().__init__(f"A material cannot be taken: {why}. Correct it and send the application again.", key=key)


class MaterialTooLarge(CaseError):
    code, kind = "case_routing.material_too_large", "too_large"

    def __init__(self, key: str, limit: int) -> None:
        super().__init__(
            f"Materials may have at most {limit} octets here; send a smaller scan.", key=key, limit=str(limit)
        )


class DigestMismatch(CaseError):
    code, kind = "case_routing.digest_mismatch", "invalid"

    def __init__(self, key: str) -> None:
        super().__init__("A material does not match the digest sent with it; upload it again.", key=key)


class BadKiosk(CaseError):
    code, kind = "case_routing.bad_kiosk", "invalid"

    def __init__(self) -> None:
        super().__init__("A kiosk's id has at most 64 letters, digits, dots, dashes; send its registered id or none.")


class ReasonsRequired(CaseError):
    code, kind = "case_routing.reasons_required", "invalid"

    def __init__(self) -> None:
        super().__init__("A refusal must tell the person its reasons; write them and refuse again.")


class ReasonsTooLong(CaseError):
    code, kind = "case_routing.reasons_too_long", "invalid"

    def __init__(self, limit: int) -> None:
        super().__init__(f"Reasons have at most {limit} characters; shorten them.", limit=str(limit))


class UnknownCase(CaseError):
    code, kind = "case_routing.unknown_case", "not_found"

    def __init__(self, number: str) -> None:
        super().__init__("No case with this number is known here; check the number.", number=number)


class NotYours(CaseError):
    code, kind = "case_routing.not_yours", "forbidden"

    def __init__(self, number: str) -> None:
        super().__init__(
            "This case is another's, or outside your mandate; sign in as the applicant, or choose the firm that you act for.",
            number=number,
        )


class OutsideMandate(CaseError):
    code, kind = "case_routing.outside_mandate", "forbidden"

    def __init__(self, item_code: str) -> None:
        super().__init__(
            "Your mandate for this firm does not cover this item; ask its legal representative.", item_code=item_code
        )


class MaterialNotOpen(CaseError):
    code, kind = "case_routing.material_not_open", "forbidden"

    def __init__(self, number: str) -> None:
        super().__init__(
            "Your district has no part in this case for which it needs the materials; the district that decides opens them.",
            number=number,
        )


class MaterialNotHere(CaseError):
    code, kind = "case_routing.material_not_here", "not_found"

    def __init__(self, number: str, key: str) -> None:
        super().__init__(
            "The case has no such material here; read the case again and take a key that it lists.",
            number=number,
            key=key,
        )


class NotAParty(CaseError):
    """A district wrote about a case, or in a place of it, that is not its own."""

    code, kind = "case_routing.not_a_party", "forbidden"

    def __init__(self, number: str, district: str, what: str) -> None:
        super().__init__(f"District {district} has no right to {what}; ask that district's operators.", number=number)


class NotResponsible(CaseError):
    code, kind = "case_routing.not_responsible", "conflict"

    def __init__(self, number: str, responsible: str) -> None:
        super().__init__(
            f"District {responsible} is responsible now; wait for its act or ask it.",
            number=number,
            responsible=responsible,
        )


class HandingOver(CaseError):
    code, kind = "case_routing.handing_over", "conflict"

    def __init__(self, number: str, to: str) -> None:
        super().__init__(
            f"The case is being handed over to {to}; nobody may act until it is taken. You may recall the hand-over.",
            number=number,
            offered_to=to,
        )


class NotHandingOver(CaseError):
    code, kind = "case_routing.not_handing_over", "conflict"

    def __init__(self, number: str) -> None:
        super().__init__("This district has no open hand-over of the case; there is nothing to recall.", number=number)


class AlreadyClosed(CaseError):
    code, kind = "case_routing.already_closed", "conflict"

    def __init__(self, number: str, state: str) -> None:
        super().__init__(
            f"The case is {state} and takes no further act; open a new case if needed.", number=number, state=state
        )


class AlreadyDecided(CaseError):
    code, kind = "case_routing.already_decided", "conflict"

    def __init__(self, number: str) -> None:
        super().__init__("The case is already decided; read the decision.", number=number)


class OutOfOrder(CaseError):
    code, kind = "case_routing.out_of_order", "conflict"

    def __init__(self, number: str, state: str, act: str) -> None:
        super().__init__(
            f"A case that is {state} cannot be {act}; read it again and do what is due.", number=number, state=state
        )


class VersionConflict(CaseError):
    code, kind = "case_routing.version_conflict", "conflict"

    def __init__(self, number: str, version: int) -> None:
        super().__init__(
            "The case changed since you read it; read it again, then decide.", number=number, version=str(version)
        )


class NoAgreement(CaseError):
    code, kind = "case_routing.no_agreement", "conflict"

    def __init__(self, item_code: str, district: str) -> None:
        super().__init__(
            f"No agreement with district {district}, which decides this item, is in force; ask at the hall.",
            item_code=item_code,
            district=district,
        )


class NotAgreed(CaseError):
    code, kind = "case_routing.not_agreed", "conflict"

    def __init__(self, item_code: str, district: str) -> None:
        super().__init__(
            f"The agreement with district {district} does not cover this item; apply there or ask at the hall.",
            item_code=item_code,
            district=district,
        )


class BadAgreement(CaseError):
    """A copy of an agreement that proves nothing to us."""

    code, kind = "case_routing.bad_agreement", "invalid"

    def __init__(self, why: str) -> None:
        super().__init__(f"The agreement cannot be kept: {why}. Install the one that both parties signed.")


class AgreementDiffers(CaseError):
    code, kind = "case_routing.agreement_differs", "conflict"

    def __init__(self, version: int) -> None:
        super().__init__(
            "Another agreement is kept under this version; give the new one the next version.", version=str(version)
        )


class BadLetter(CaseError):
    """A letter of another district that says nothing a case could take."""

    code, kind = "case_routing.bad_letter", "invalid"

    def __init__(self, why: str) -> None:
        super().__init__(f"The letter cannot be read: {why}. Ask the sending district's operators.")
