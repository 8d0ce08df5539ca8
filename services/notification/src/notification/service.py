"""What notification answers, listens to and does by itself."""

from __future__ import annotations

from chassis.paging import wish
from chassis.process import Wired
from chassis.rpc import rpc
from chassis.runner import every
from chassis.subscriber import subscribe
from chassis.telemetry import current_traceparent

from notification import messages, wiring
from notification.usecases.list_deliveries import list_deliveries
from notification.usecases.list_messages import list_messages
from notification.usecases.mark_message_read import mark_message_read
from notification.usecases.send_due_mail import send_due_mail
from notification.usecases.tell_person import tell_person


class NotificationService:
    """People read their own messages; operators see how notices went out."""

    name = "notification"
    contract = messages.CONTRACT
    app = Wired(wiring.build)

    @rpc(allow=("citizen",))
    def list_messages(self, request, call):
        with self.app.work() as work:
            return messages.messages_page(list_messages(work, call.actor.subject, wish(request.page, str)))

    @rpc(allow=("citizen",))
    def mark_message_read(self, request, call):
        with self.app.work() as work:
            return messages.message(mark_message_read(work, request.id, call.actor.subject, self.app.now()))

    @rpc(allow=("operator",))
    def list_deliveries(self, request, call):
        with self.app.work() as work:
            return messages.deliveries_page(list_deliveries(work, request.about, wish(request.page, str)))

    @subscribe(messages.CaseProgressed, where=messages.case_deserves_notice)
    def on_case_progressed(self, event, delivery):
        self._tell(messages.of_case(event), delivery)

    @subscribe(messages.TicketProgressed, where=messages.ticket_deserves_notice)
    def on_ticket_progressed(self, event, delivery):
        self._tell(messages.of_ticket(event), delivery)

    @every(1.0)
    def send_mail(self):
        app = self.app
        send_due_mail(app.work, app.contacts, app.mailer, now=app.now, watch=app.watch)

    def _tell(self, happening, delivery):
        app = self.app
        tell_person(
            app.join(delivery),
            happening,
            portal_url=app.portal_url,
            now=app.now(),
            new_id=app.process.new_id,
            traceparent=current_traceparent(),
        )
