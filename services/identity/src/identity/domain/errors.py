"""What identity refuses.

IdentityError
├── AccountNotFound   nobody has this subject here
├── OwnAccount        an operator would shut themself out
├── InvalidClient     a field of a client breaks its rule; `details` names the field
├── RoleNotForClients a machine cannot be given this role
├── ClientExists      the client id is taken by another key
├── InvalidSample     a row of the sample file breaks a rule
├── BadRegistry       what the courier told of is no registry that the root signed
├── RegistryDiffers   the root signed two texts under one version
├── RegistryExpired   the registry of districts expired too long ago: no other district is believed
├── NotAPeer          no such district, or it is suspended, or not linked with this one
├── SwitchExpired     what came back from a home was not begun in this browser, or too long ago, or came before
├── HomeAway          a person's home district cannot be reached, or cannot answer
├── HomeRefused       the home gives nothing (more) for a code or a refresh token
├── HomeAnswerRefused a home's answer breaks a rule; `details` names the claim
├── LogoutRefused     a logout token breaks a rule; `details` names the claim
├── SignInRefused     name or password is not right; says no more than that
├── NotSignedIn       no open session
├── SessionNotFound   no open session of that name is yours
├── FormExpired       the form was not made for this browser, or too long ago
├── InvalidField      what somebody says of themself breaks the rule of its field; `details` names the field
├── WeakPassword      the password would be guessed
├── LoginTaken        the user name of a new staff account belongs to somebody
├── ScopeMissing      the access token is a good one, and not for this
├── TokenRefused      the access token is not acceptable here
├── RequestRefused    a request to sign in from a relying party that cannot be sent back to it
├── InvalidParty      a row of the relying parties' file breaks a rule
├── ProofRefused      the source, or the person at the window, does not confirm who somebody claims to be
├── ProofingAway      the source cannot be asked now
├── ProofingNotOffered there is no source here; a window does it
├── NotProven         it takes a stronger proof of identity
├── NotRepresentative only a firm's legal representative may
├── NoMandate         somebody may not act for a firm, or not any more
├── MandateNotFound   the firm gave no such mandate
└── ClientRefused     the client's assertion proves nothing
"""

from __future__ import annotations

from typing import ClassVar


class IdentityError(Exception):
    """`code` and `kind` cross the wire; the message is for whoever is in front of it."""

    code: ClassVar[str]
    kind: ClassVar[str]
    sentence: ClassVar[str] = ""

    def __init__(self, sentence: str = "", **details: str) -> None:
        super().__init__(sentence or self.sentence)
        self.details = details


class AccountNotFound(IdentityError):
    code = "identity.account_not_found"
    kind = "not_found"
    sentence = "Nobody has this subject in this district."


class OwnAccount(IdentityError):
    code = "identity.own_account"
    kind = "conflict"
    sentence = "You cannot shut out the account you are working with; ask another operator."


class InvalidClient(IdentityError):
    code = "identity.invalid_client"
    kind = "invalid"

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"The client's {field} {rule}.", field=field)


class RoleNotForClients(IdentityError):
    code = "identity.role_not_for_clients"
    kind = "invalid"

    def __init__(self, allowed: str) -> None:
        super().__init__(f"A client may hold only the roles {allowed}.")


class ClientExists(IdentityError):
    code = "identity.client_exists"
    kind = "conflict"
    sentence = "This client id is registered with another key or other roles; choose another id."


class InvalidSample(IdentityError):
    code = "identity.invalid_sample"
    kind = "invalid"

    def __init__(self, login: str, why: str) -> None:
        super().__init__(f"Sample account {login!r}: {why}.")


class BadRegistry(IdentityError):
    code = "identity.bad_registry"
    kind = "invalid"

    def __init__(self, why: str) -> None:
        super().__init__(f"The registry of districts is not kept: {why}.")


class RegistryDiffers(IdentityError):
    code = "identity.registry_differs"
    kind = "conflict"

    def __init__(self, version: int) -> None:
        super().__init__(
            f"Version {version} of the registry is kept with another text; the alliance must sign a higher version."
        )


class RegistryExpired(IdentityError):
    code = "identity.registry_expired"
    kind = "unavailable"
    sentence = "The registry of districts expired more than a day ago; until its next version is installed, sign in with an account of this district."


class NotAPeer(IdentityError):
    code = "identity.not_a_peer"
    kind = "not_found"
    sentence = "This district has no open link with the one named; choose another home district."


class SwitchExpired(IdentityError):
    code = "identity.switch_expired"
    kind = "invalid"
    sentence = "This sign-in was not begun in this browser, took too long, or was used already; open the page you came from again."


class HomeAway(IdentityError):
    code = "identity.home_away"
    kind = "unavailable"
    sentence = "The home district does not answer at the moment; try again shortly, or sign in with an account of this district."


class HomeRefused(IdentityError):
    code = "identity.home_refused"
    kind = "unauthenticated"
    sentence = "The home district says that this sign-in is over; sign in again."


class HomeAnswerRefused(IdentityError):
    code = "identity.home_answer_refused"
    kind = "unauthenticated"

    def __init__(self, claim: str) -> None:
        super().__init__(
            f"The home district's answer cannot be believed ({claim}); its operators should look.", claim=claim
        )


class LogoutRefused(IdentityError):
    code = "identity.logout_refused"
    kind = "invalid"

    def __init__(self, claim: str) -> None:
        super().__init__(f"The logout token is not acceptable ({claim}).", claim=claim)


class SignInRefused(IdentityError):
    code = "identity.sign_in_refused"
    kind = "unauthenticated"
    sentence = "Name or password is not right."


class NotSignedIn(IdentityError):
    code = "identity.not_signed_in"
    kind = "unauthenticated"
    sentence = "There is no open session; sign in first."


class SessionNotFound(IdentityError):
    code = "identity.session_not_found"
    kind = "not_found"
    sentence = "No open session of yours has this name; ask for the list again."


class FormExpired(IdentityError):
    code = "identity.form_expired"
    kind = "forbidden"
    sentence = "This form was not made for this browser, or its page is too old; open the page again."


class ClientRefused(IdentityError):
    code = "identity.client_refused"
    kind = "unauthenticated"
    sentence = "The client assertion is not acceptable: it must be signed with the registered key, for this token endpoint, not used before, and at most 5 minutes long."


class InvalidField(IdentityError):
    """`zh` says the same as the message, for pages."""

    code = "identity.invalid_field"
    kind = "invalid"

    def __init__(self, field: str, rule: str, zh: str) -> None:
        super().__init__(f"{field} {rule}.", field=field)
        self.zh = f"{zh}。"


class WeakPassword(IdentityError):
    """`zh` says the same as the message, for pages."""

    code = "identity.weak_password"
    kind = "invalid"

    def __init__(self, rule: str, zh: str) -> None:
        super().__init__(f"The password {rule}.", field="password")
        self.zh = f"密码{zh}。"


class LoginTaken(IdentityError):
    code = "identity.login_taken"
    kind = "conflict"

    def __init__(self, login: str) -> None:
        super().__init__(f"The user name {login!r} belongs to somebody; choose another.")


class TokenRefused(IdentityError):
    code = "identity.token_refused"
    kind = "unauthenticated"
    sentence = "The access token is not acceptable here: it must be ours, unexpired, with the scope that this address needs, of a session that is open."


class ScopeMissing(IdentityError):
    code = "identity.scope_missing"
    kind = "forbidden"

    def __init__(self, scope: str) -> None:
        super().__init__(f"The access token needs the scope {scope}.", scope=scope)


class RequestRefused(IdentityError):
    """The browser stays here: where it would be sent back to is not known to be the party's (RFC 6749 section 4.1.2.1)."""

    code = "identity.request_refused"
    kind = "invalid"
    sentence = (
        "The site that sent you here is not registered with this district, or asked in a way that is not accepted."
    )


class InvalidParty(IdentityError):
    code = "identity.invalid_party"
    kind = "invalid"

    def __init__(self, client_id: str, why: str) -> None:
        super().__init__(f"Relying party {client_id!r}: {why}.")


class ProofRefused(IdentityError):
    code = "identity.proof_refused"
    kind = "invalid"
    sentence = (
        "This could not be confirmed. Check what you typed; if you have another account here, use that one; "
        "or come to a window with your document."
    )


class ProofingAway(IdentityError):
    code = "identity.proofing_away"
    kind = "unavailable"
    sentence = "Identity cannot be checked right now; nothing was changed. Try again in a few minutes."


class ProofingNotOffered(IdentityError):
    code = "identity.proofing_not_offered"
    kind = "conflict"
    sentence = "This district checks identity at its windows only; come with your document."


class NotProven(IdentityError):
    code = "identity.not_proven"
    kind = "forbidden"
    sentence = "This takes an identity that was matched with a document (L4); prove yours first."


class KnownElsewhere(IdentityError):
    """For a person of another district, in whose name this district keeps no proofs and no firms."""

    code = "identity.known_elsewhere"
    kind = "forbidden"
    sentence = "You are signed in by your home district: do this there, or with an account of this district."


class NotRepresentative(IdentityError):
    code = "identity.not_representative"
    kind = "forbidden"
    sentence = "Only the firm's legal representative may do that."


class NoMandate(IdentityError):
    code = "identity.no_mandate"
    kind = "forbidden"
    sentence = "You may not act for this firm, or not any more; choose again for whom you act."


class MandateNotFound(IdentityError):
    code = "identity.mandate_not_found"
    kind = "not_found"
    sentence = "The firm gave no such mandate."
