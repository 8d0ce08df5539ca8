"""Phone numbers: read as somebody in mainland China writes them, kept as E.164."""

from __future__ import annotations

import phonenumbers


def normal_phone(text: str) -> str:
    """The number as +8613800000000; "" where it is none."""
    try:
        number = phonenumbers.parse(text, "CN")
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_valid_number(number):
        return ""
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
