"""Sources that say whether somebody is who they claim to be (usecases.ports.ProofingSource), chosen by the settings.

A district puts an adapter of its own beside these and names it in `SOURCES`; what it is told is personal data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date

from identity.domain.errors import ProofingNotOffered
from identity.usecases.ports import ProofingSource


class NoSource:
    """A district without a source: people are sent to a window."""

    name, note = "none", None

    def two_elements(self, name: str, id_number: str) -> bool:
        raise ProofingNotOffered

    def document(self, name: str, id_number: str, ends: date) -> bool:
        raise ProofingNotOffered

    def representative(self, firm: str, credit_code: str, name: str, id_number: str) -> bool:
        raise ProofingNotOffered


class DevelopmentSource:
    """Confirms whatever is well formed, and says so on every page: it knows nobody."""

    name = "development"
    note = ("开发用身份核验源，不核验真实身份", "Development source: proves nothing about a real person")

    def two_elements(self, name: str, id_number: str) -> bool:
        return bool(name and id_number)

    def document(self, name: str, id_number: str, ends: date) -> bool:
        return bool(name and id_number)

    def representative(self, firm: str, credit_code: str, name: str, id_number: str) -> bool:
        return bool(firm and credit_code and name and id_number)


SOURCES: Mapping[str, Callable[[], ProofingSource]] = {"none": NoSource, "development": DevelopmentSource}
#: What settings may name only where they say trial.
TRIAL_ONLY = frozenset({"development"})
