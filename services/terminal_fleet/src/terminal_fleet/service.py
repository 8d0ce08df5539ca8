"""What the terminal fleet answers, listens to and does by the clock."""

from __future__ import annotations

from chassis.once import digest_of
from chassis.paging import wish
from chassis.process import Wired
from chassis.rpc import rpc
from chassis.runner import every
from chassis.subscriber import subscribe

from terminal_fleet import messages, wiring
from terminal_fleet.domain.policies import id_for, key_thumbprint, new_kiosk
from terminal_fleet.messages import FLEET_MANAGER, HALL_STAFF, KIOSK
from terminal_fleet.usecases.answer_placement import answer_placement
from terminal_fleet.usecases.check_silence import check_silence
from terminal_fleet.usecases.get_kiosk import get_kiosk
from terminal_fleet.usecases.hear_of_kiosk import note_health, note_placement, note_refusal
from terminal_fleet.usecases.list_kiosks import list_kiosks
from terminal_fleet.usecases.note_agreement import note_agreement
from terminal_fleet.usecases.record_heartbeat import record_heartbeat
from terminal_fleet.usecases.register_kiosk import register_kiosk

#: Seconds between two looks for silent kiosks: what a report may be late by.
LOOK_EVERY_S = 5


class TerminalFleetService:
    """The fleet manager registers, hall staff looks, and each kiosk speaks for itself alone."""

    name = "terminal_fleet"
    contract = messages.CONTRACT
    app = Wired(wiring.build)

    @rpc(allow=(FLEET_MANAGER,))
    def register_kiosk(self, request, call):
        kiosk = self._planned(request, call)
        self.app.register_client(kiosk, request.public_jwk)
        scope = f"{call.method}/{call.actor.subject}"
        with self.app.work() as work:
            act, digest = (lambda: register_kiosk(work, kiosk)), digest_of(request)
            return messages.kiosk_to_wire(get_kiosk(work, work.once(scope, request.idempotency_key, digest, act)))

    @rpc(allow=HALL_STAFF)
    def get_kiosk(self, request, call):
        with self.app.work() as work:
            return messages.kiosk_to_wire(get_kiosk(work, request.id))

    @rpc(allow=HALL_STAFF)
    def list_kiosks(self, request, call):
        with self.app.work() as work:
            return messages.listed(list_kiosks(work, wish(request.page, str)))

    @rpc(allow=(KIOSK,))
    def record_heartbeat(self, request, call):
        beat = {"sequence": request.sequence, "software_version": request.software_version, "now": self.app.now()}
        with self.app.work() as work:
            record_heartbeat(work, request.kiosk_id, client_id=call.actor.client_id, **beat)
        return messages.received(beat["now"], self.app.settings.heartbeat_interval_s)

    @every(LOOK_EVERY_S)
    def look_for_silent_kiosks(self):
        more = True
        while more:
            with self.app.work() as work:
                more = check_silence(work, now=self.app.now(), silent_after_s=self.app.settings.silent_after_s)

    @subscribe(messages.PlacementOffered, via_courier=True)
    def on_placement_offered(self, event, delivery):
        offer = messages.offer_of(event, self.app.now())
        answer_placement(self.app.join(delivery), offer.kiosk, sender=delivery.district)

    @subscribe(messages.PlacementAnswered, via_courier=True)
    def on_placement_answered(self, event, delivery):
        note_placement(self.app.join(delivery), messages.answer_of(event), sender=delivery.district)

    @subscribe(messages.KioskHealthReported, via_courier=True)
    def on_kiosk_health_reported(self, event, delivery):
        note_health(self.app.join(delivery), messages.report_of(event), sender=delivery.district)

    @subscribe(messages.AgreementInstalled)
    def on_agreement_installed(self, event, delivery):
        note_agreement(self.app.join(delivery), event.peer)

    @subscribe(messages.MessageRefused)
    def on_message_refused(self, event, delivery):
        work, kiosk_id = self.app.join(delivery), messages.kiosk_id_of(event.subject)
        note_refusal(work, kiosk_id, message_id=event.message_id, peer=event.peer, code=event.code)

    def _planned(self, request, call):
        """The kiosk that a request would register. Raises InvalidKiosk before anybody is told of it."""
        key = key_thumbprint(request.public_jwk)
        identifier = id_for(self.app.district, call.actor.subject, request.idempotency_key)
        where = {"district": self.app.district, "host": request.host_district, "place": request.place}
        return new_kiosk(identifier, name=request.name, now=self.app.now(), key=key, **where)
