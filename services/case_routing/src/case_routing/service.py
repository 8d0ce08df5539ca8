"""What the service answers and listens to."""

from __future__ import annotations

from chassis.process import Wired
from chassis.rpc import rpc
from chassis.subscriber import subscribe

from case_routing import messages, wiring
from case_routing.domain.events import Arrived
from case_routing.usecases.accept_case import accept_case
from case_routing.usecases.deliver_case import deliver_case
from case_routing.usecases.get_case import get_case
from case_routing.usecases.get_material import get_material
from case_routing.usecases.grant_case import grant_case
from case_routing.usecases.hand_over_case import hand_over_case
from case_routing.usecases.keep_agreement import keep_agreement
from case_routing.usecases.list_my_cases import list_my_cases
from case_routing.usecases.list_worklist import list_worklist
from case_routing.usecases.read_letter import read_letter
from case_routing.usecases.recall_hand_over import recall_hand_over
from case_routing.usecases.receive_case import receive_case
from case_routing.usecases.refuse_case import refuse_case
from case_routing.usecases.submit_case import submit_case
from case_routing.usecases.take_back_refused import take_back_refused
from case_routing.usecases.withdraw_case import withdraw_case


class CaseRoutingService:
    """Citizens see and act on their own cases; clerks on any that this district holds; operators see what happened and when."""

    name = "case_routing"
    contract = messages.CONTRACT
    app = Wired(wiring.build)

    @rpc(allow=("citizen",))
    def submit_case(self, request, call):
        application = self.app.prepare(messages.submission(request, wiring.acting(call)))
        here, moment = self.app.district, self.app.moment()
        case = self.app.once(request, call, lambda work: submit_case(work, application, here, moment))
        return messages.case_to_wire(case)

    @rpc(allow=("citizen", "clerk"))
    def get_case(self, request, call):
        reader = self.app.reader(call, "clerk")
        with self.app.work() as work:
            return messages.case_to_wire(get_case(work, request.number, reader))

    @rpc(allow=("citizen", "clerk"))
    def get_material(self, request, call):
        reader = self.app.reader(call, "clerk")
        with self.app.work() as work:
            material = get_material(work, request.number, request.key, reader)
        self.app.note_opening(request, call)
        return messages.material_to_wire(material)

    @rpc(allow=("citizen",))
    def list_my_cases(self, request, call):
        reader = self.app.reader(call)
        with self.app.work() as work:
            return messages.cases_to_wire(list_my_cases(work, reader, messages.case_wish(request.page)))

    @rpc(allow=("clerk",))
    def list_worklist(self, request, call):
        with self.app.work() as work:
            return messages.cases_to_wire(list_worklist(work, messages.case_wish(request.page)))

    @rpc(allow=("clerk",))
    def receive_case(self, request, call):
        return self._act(receive_case, request, call)

    @rpc(allow=("clerk",))
    def accept_case(self, request, call):
        return self._act(accept_case, request, call)

    @rpc(allow=("clerk",))
    def grant_case(self, request, call):
        return self._act(grant_case, request, call, request.reasons, self.app.numbers)

    @rpc(allow=("clerk",))
    def refuse_case(self, request, call):
        return self._act(refuse_case, request, call, request.reasons, self.app.numbers)

    @rpc(allow=("clerk",))
    def deliver_case(self, request, call):
        return self._act(deliver_case, request, call)

    @rpc(allow=("citizen",))
    def withdraw_case(self, request, call):
        command = self.app.command(request, self.app.reader(call))
        return messages.case_to_wire(self.app.once(request, call, lambda work: withdraw_case(work, command)))

    @rpc(allow=("clerk",))
    def hand_over_case(self, request, call):
        return self._act(hand_over_case, request, call)

    @rpc(allow=("clerk",))
    def recall_hand_over(self, request, call):
        return self._act(recall_hand_over, request, call)

    @rpc(allow=("citizen", "clerk", "operator"))
    def get_timeline(self, request, call):
        reader = self.app.reader(call, "clerk", "operator")
        with self.app.work() as work:
            return messages.timeline(get_case(work, request.number, reader))

    @rpc(allow=("operator",))
    def get_case_traces(self, request, call):
        with self.app.work() as work:
            return messages.traces(get_case(work, request.number))

    @subscribe(messages.HandOverOffered, via_courier=True)
    def on_hand_over_offered(self, event, delivery):
        self._read(event, delivery)

    @subscribe(messages.HandOverTaken, via_courier=True)
    def on_hand_over_taken(self, event, delivery):
        self._read(event, delivery)

    @subscribe(messages.HandOverDeclined, via_courier=True)
    def on_hand_over_declined(self, event, delivery):
        self._read(event, delivery)

    @subscribe(messages.HandOverRecallAsked, via_courier=True)
    def on_hand_over_recall_asked(self, event, delivery):
        self._read(event, delivery)

    @subscribe(messages.HandOverRecallAnswered, via_courier=True)
    def on_hand_over_recall_answered(self, event, delivery):
        self._read(event, delivery)

    @subscribe(messages.CaseActed, via_courier=True)
    def on_case_acted(self, event, delivery):
        self._read(event, delivery)

    @subscribe(messages.WithdrawalAsked, via_courier=True)
    def on_withdrawal_asked(self, event, delivery):
        self._read(event, delivery)

    @subscribe(messages.WithdrawalAnswered, via_courier=True)
    def on_withdrawal_answered(self, event, delivery):
        self._read(event, delivery)

    @subscribe(messages.MessageRefused)
    def on_message_refused(self, event, delivery):
        take_back_refused(self.app.join(delivery), messages.refusal_of(event), self.app.moment())

    @subscribe(messages.AgreementInstalled)
    def on_agreement_installed(self, event, delivery):
        keep_agreement(self.app.join(delivery), self.app.district, *self.app.signed_copy(event))

    def _act(self, act, request, call, *more):
        """One act of a clerk, done once per idempotency key."""
        command = self.app.command(request)
        return messages.case_to_wire(self.app.once(request, call, lambda work: act(work, command, *more)))

    def _read(self, event, delivery):
        """One letter of the other district, read once."""
        letter = messages.letter_of(event, self.app.district)
        read_letter(self.app.join(delivery), Arrived(letter, delivery.district, delivery.id), self.app.moment())
