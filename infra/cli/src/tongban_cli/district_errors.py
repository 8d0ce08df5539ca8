"""What `tongban district` refuses: a stable code, and a sentence that says what to do."""

from __future__ import annotations


class DistrictError(Exception):
    """Refused; nothing was written."""

    def __init__(self, code: str, sentence: str) -> None:
        self.code = f"district.{code}"
        self.sentence = sentence
        super().__init__(f"{self.code}: {sentence}")
