"""What identity answers on the bus. Signing in and tokens are the web process's: see http/."""

from __future__ import annotations

from chassis.process import Wired
from chassis.rpc import SERVICE, rpc
from chassis.runner import every
from chassis.subscriber import subscribe

from identity import messages, wiring
from identity.adapters.client_keys import canonical_key
from identity.usecases.act_for import standing_of
from identity.usecases.disable_account import disable_account
from identity.usecases.get_account import get_account
from identity.usecases.keep_registry import keep_registry
from identity.usecases.list_ended_sessions import list_ended_sessions
from identity.usecases.prove_identity import prove_at_window
from identity.usecases.register_client import register_client


class IdentityService:
    """Personal data leaves only for the services that the bus table names."""

    name = "identity"
    contract = messages.CONTRACT
    app = Wired(wiring.build)

    @rpc(allow=SERVICE)
    def get_applicant(self, request, call):
        district = request.pairwise_for_district
        with self.app.work() as work:
            if request.handler_subject:
                held, by = standing_of(work, request.subject, request.handler_subject, now=self.app.now())
                return messages.firm_applicant(held, by, lambda subject: self.app.pairwise(subject, district))
            account = get_account(work, request.subject)
        return messages.applicant(account, self.app.pairwise(account.subject, district))

    @rpc(allow=SERVICE)
    def get_contact(self, request, call):
        with self.app.work() as work:
            return messages.contact(get_account(work, request.subject))

    @rpc(allow=("fleet_manager",))
    def register_client(self, request, call):
        key = canonical_key(request.public_jwk)
        with self.app.work() as work:
            return messages.client(register_client(work, request.client_id, key, request.roles, now=self.app.now()))

    @rpc(allow=SERVICE)
    def list_ended_sessions(self, request, call):
        with self.app.work() as work:
            found = list_ended_sessions(work, messages.since(request), now=self.app.now())
        return messages.ended_sessions(*found)

    @rpc(allow=("operator",))
    def disable_account(self, request, call):
        by = call.actor.subject
        with self.app.work() as work:
            account = disable_account(work, request.subject, request.reason, by=by, now=self.app.now())
        return messages.account(account)

    @subscribe(messages.RegistryInstalled)
    def on_registry_installed(self, event, delivery):
        registry, text = self.app.signed_registry(event.signed_registry)
        keep_registry(self.app.join(delivery), self.app.district, registry, text, now=self.app.now())

    @rpc(allow=("clerk",))
    def record_proof(self, request, call):
        proof = self.app.window_proof(call.actor.subject)
        with self.app.work() as work:
            account = prove_at_window(work, request.login, request.name, request.id_number, proof)
        return messages.proven_account(account)

    @every(3600)
    def forget_the_expired(self):
        with self.app.work() as work:
            self.app.forget(work)
