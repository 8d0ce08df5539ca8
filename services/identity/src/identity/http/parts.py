"""What the endpoints of the web process work with, put together once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from chassis.clock import Clock, NewId
from chassis.database import Database
from chassis.resealing import KeyGuard
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from identity.adapters.homes import Homes
from identity.adapters.proofing import SOURCES
from identity.adapters.relying_parties import read_parties
from identity.adapters.sealing import Sealing, fixed_keys, pairwise_key
from identity.adapters.storage import Storage
from identity.adapters.tables import SEALED
from identity.adapters.token_keys import Signer, read_keys
from identity.domain.errors import InvalidParty
from identity.domain.federation import home_of
from identity.domain.parties import RelyingParty
from identity.domain.policies import pairwise_subject
from identity.domain.registry import District, Named
from identity.http.forms import Forms
from identity.http.lanes import Lanes
from identity.http.peers import Peers
from identity.http.pending import PendingRequests
from identity.http.settings import HttpSettings
from identity.usecases.ports import ProofingSource

T = TypeVar("T")

#: Questions to the source of proofs at once.
QUESTIONS = 8


@dataclass(frozen=True)
class Parts:
    """The web process's parts; kept at `app.state.parts`."""

    settings: HttpSettings
    clock: Clock
    new_id: NewId
    database: Database
    sealing: Sealing
    signer: Signer
    forms: Forms
    lanes: Lanes
    pending: PendingRequests
    #: From the file; peers are no part of it.
    parties: Mapping[str, RelyingParty]
    proofing: ProofingSource
    #: Of questions to the source, which takes its own time and none of the passwords'.
    questions: Lanes
    homes: Homes
    peers: Peers

    @classmethod
    def of(cls, request: Request) -> Parts:
        parts: Parts = request.app.state.parts
        return parts

    def now(self) -> datetime:
        return self.clock.now()

    @property
    def here(self) -> Named:
        """What people call this district."""
        return self.peers.named(self.settings.district)

    def elsewhere(self, subject: str) -> Named | None:
        """What people call the home of somebody of another district; None for our own."""
        home = home_of(subject)
        return self.peers.named(home) if home else None

    @property
    def silence(self) -> timedelta:
        """How long a session of a person of another district stands without a word of their home."""
        return timedelta(seconds=self.settings.home_silence_s)

    def until(self, work: Storage, sid: str) -> datetime | None:
        """How long the session of that name stands on its home's last word, and a token of it is good; None where it is our own."""
        stands_on = work.foreign_sessions.get(sid)
        return stands_on.stands_until(self.silence) if stands_on else None

    def party(self, work: Storage, client_id: str) -> RelyingParty | None:
        """The relying party of that name: from the file, or a peer."""
        return self.parties.get(client_id) or self.peers.party(work, client_id, self.now())

    def is_peer(self, client_id: str) -> bool:
        """Whether a client id is a district's; the file of relying parties can have none of six digits."""
        return client_id not in self.parties and len(client_id) == 6 and client_id.isdigit()

    async def peer(self, code: str) -> District:
        """The open peer of that code. Raises NotAPeer, RegistryExpired."""
        return await self.within(lambda work: self.peers.of(work, code, self.now()))

    async def peer_of(self, issuer: str) -> District:
        """The open peer of that issuer. Raises NotAPeer."""
        return await self.within(lambda work: self.peers.by_issuer(work, issuer, self.now()))

    def subject_for(self, party: RelyingParty, subject: str) -> str:
        """The name by which `party` knows the person: the one that `get_applicant` gives a peer, too."""
        return pairwise_subject(self.sealing.pairwise_key, subject, party.sector) if party.sector else subject

    def key_guard(self) -> KeyGuard:
        """Looks, before the first request, whether every key is there that rows need."""
        keys, pairwise = self.settings.field_key, self.settings.pairwise_key
        return KeyGuard(self.database, keys, SEALED, fixed_keys(keys, pairwise))

    async def within(self, use: Callable[[Storage], T]) -> T:
        """What `use` makes of a transaction of its own, run in a thread: the database blocks."""
        return await run_in_threadpool(self._within, use)

    def _within(self, use: Callable[[Storage], T]) -> T:
        with self._work() as work:
            return use(work)

    @contextmanager
    def _work(self) -> Iterator[Storage]:
        with self.database.transaction() as connection:
            yield Storage(connection, self.sealing)


def build(settings: HttpSettings, clock: Clock, new_id: NewId) -> Parts:
    """Raises ValueError where the signing keys are none, InvalidParty."""
    keys = settings.field_key
    signer = Signer(read_keys(settings.signing_keys), issuer=settings.issuer, district=settings.district, new_id=new_id)
    parties = read_parties(settings.relying_parties)
    for party in parties.values():
        if party.signed_with not in signer.algorithms:
            raise InvalidParty(
                party.client_id, f"id_token_alg is {party.signed_with}, for which there is no signing key"
            )
    homes = Homes(settings.ca_file)
    return Parts(
        settings=settings,
        clock=clock,
        new_id=new_id,
        database=Database(settings.database_url, application_name="identity http"),
        sealing=Sealing(keys, pairwise_key(keys, settings.pairwise_key)),
        signer=signer,
        forms=Forms(keys.derived("tongban form token 1"), settings.issuer),
        lanes=Lanes(settings.verifications),
        pending=PendingRequests(keys.derived("tongban pending request 1")),
        parties=parties,
        questions=Lanes(QUESTIONS),
        proofing=SOURCES[settings.proofing](),
        homes=homes,
        peers=Peers(settings.district, homes),
    )
