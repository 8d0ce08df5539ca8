"""What the portal itself refuses; everything else comes from the gateway or identity with a code of theirs."""

from __future__ import annotations

from chassis.errors import Fault, Kind


def identity_away() -> Fault:
    return Fault("portal.identity_unavailable", Kind.UNAVAILABLE, "Signing in is not possible now; try again shortly.")


def gateway_away() -> Fault:
    return Fault(
        "portal.gateway_unavailable",
        Kind.UNAVAILABLE,
        "The service is not available now; nothing was lost. Try again shortly.",
    )


def sign_in_failed() -> Fault:
    """Signing in did not end as it should: an answer that is not for this browser, is too old, or is not believed."""
    return Fault("portal.sign_in_failed", Kind.INVALID, "Signing in did not work; please start again.")


def form_expired() -> Fault:
    return Fault(
        "portal.form_expired",
        Kind.FORBIDDEN,
        "This page was open too long or was sent from elsewhere; open it again and repeat what you did.",
    )


def not_signed_in() -> Fault:
    return Fault("portal.not_signed_in", Kind.UNAUTHENTICATED, "You are no longer signed in; sign in and repeat.")


def not_for_you() -> Fault:
    return Fault("portal.role_missing", Kind.FORBIDDEN, "This page is for others; sign in with another account.")


def no_such_page() -> Fault:
    return Fault("portal.no_such_page", Kind.NOT_FOUND, "There is no page at this address.")
