"""What the hotline answers and listens to."""

from __future__ import annotations

from chassis.once import digest_of
from chassis.paging import wish
from chassis.process import Wired
from chassis.rpc import rpc
from chassis.subscriber import subscribe

from hotline import messages, wiring
from hotline.messages import AGENT, CITIZEN
from hotline.usecases.answer_ticket import answer_ticket
from hotline.usecases.bounce_ticket import bounce_ticket
from hotline.usecases.get_ticket import get_ticket
from hotline.usecases.hear_of_ticket import keep_answer, note_refusal, note_taken, take_back
from hotline.usecases.list_tickets import list_tickets
from hotline.usecases.open_ticket import open_ticket
from hotline.usecases.take_ticket import take_ticket
from hotline.usecases.transfer_ticket import transfer_ticket


class HotlineService:
    """Citizens open tickets and see their own; agents see the district's book and act on what the district holds."""

    name = "hotline"
    contract = messages.CONTRACT
    app = Wired(wiring.build)

    @rpc(allow=(CITIZEN, AGENT))
    def open_ticket(self, request, call):
        now, identifier = self.app.now(), self.app.new_id()
        words = {"subject_line": request.subject_line, "body": request.body, "case_number": request.case_number}
        return self._once(
            request, call, lambda work, actor: open_ticket(work, actor, now=now, identifier=identifier, **words)
        )

    @rpc(allow=(CITIZEN, AGENT))
    def get_ticket(self, request, call):
        with self.app.work() as work:
            return messages.ticket_to_wire(get_ticket(work, request.number, messages.viewer_of(call.actor)))

    @rpc(allow=(CITIZEN, AGENT))
    def list_tickets(self, request, call):
        with self.app.work() as work:
            page = list_tickets(work, messages.viewer_of(call.actor), wish(request.page, str))
        return messages.listed(page)

    @rpc(allow=(AGENT,))
    def transfer_ticket(self, request, call):
        opener = self.app.opener_at(request.number, request.to_district)
        words = {"to": request.to_district, "reason": request.reason, "opener_subject": opener, "now": self.app.now()}
        return self._once(request, call, lambda work, _: transfer_ticket(work, request.number, **words))

    @rpc(allow=(AGENT,))
    def answer_ticket(self, request, call):
        words = {"answer": request.answer, "now": self.app.now()}
        return self._once(request, call, lambda work, _: answer_ticket(work, request.number, **words))

    @rpc(allow=(AGENT,))
    def bounce_ticket(self, request, call):
        words = {"reason": request.reason, "now": self.app.now()}
        return self._once(request, call, lambda work, _: bounce_ticket(work, request.number, **words))

    @subscribe(messages.TicketTransferOffered, via_courier=True)
    def on_ticket_transfer_offered(self, event, delivery):
        offer, identity = messages.offer_of(event), self.app.new_id()
        take_ticket(self.app.join(delivery), offer, giver=delivery.district, now=self.app.now(), identifier=identity)

    @subscribe(messages.TicketTransferTaken, via_courier=True)
    def on_ticket_transfer_taken(self, event, delivery):
        taken = messages.taken_of(event)
        note_taken(self.app.join(delivery), taken, sender=delivery.district, now=self.app.now())

    @subscribe(messages.TicketAnswered, via_courier=True)
    def on_ticket_answered(self, event, delivery):
        keep_answer(self.app.join(delivery), messages.answer_of(event), sender=delivery.district)

    @subscribe(messages.TicketBounced, via_courier=True)
    def on_ticket_bounced(self, event, delivery):
        take_back(self.app.join(delivery), messages.bounce_of(event), sender=delivery.district)

    @subscribe(messages.MessageRefused)
    def on_message_refused(self, event, delivery):
        work, number = self.app.join(delivery), messages.number_of(event.subject)
        note_refusal(work, number, message_id=event.message_id, peer=event.peer, code=event.code, now=self.app.now())

    def _once(self, request, call, act):
        """Runs `act` once for the caller's key, and answers with the ticket as it stands now."""
        viewer = messages.viewer_of(call.actor)
        scope = f"{call.method}/{viewer.subject}"
        with self.app.work() as work:
            number = work.once(scope, request.idempotency_key, digest_of(request), lambda: act(work, viewer))
            return messages.ticket_to_wire(get_ticket(work, number, viewer))
