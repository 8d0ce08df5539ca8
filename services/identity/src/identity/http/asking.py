"""Questions to the source of proofs: each person's wait for each other, and a refusal keeps its place as a wrong password does."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request

from identity.domain.errors import ProofRefused
from identity.http.parts import Parts


async def ask(request: Request, subject: str, question: Callable[[], None]) -> None:
    """Runs `question` in a thread when its turn comes. Raises what it raises, and Fault `identity.too_many_attempts`."""

    def confirmed() -> bool:
        try:
            question()
        except ProofRefused:
            return False
        return True

    address = request.client.host if request.client else ""
    if not await Parts.of(request).questions.verify(subject, address, confirmed):
        raise ProofRefused
