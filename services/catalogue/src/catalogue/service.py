"""What the catalogue answers, listens to and does by the clock."""

from __future__ import annotations

from chassis.paging import wish
from chassis.process import Wired
from chassis.rpc import SERVICE, rpc
from chassis.runner import every
from chassis.subscriber import subscribe

from catalogue import messages, wiring
from catalogue.usecases.brief_peer import brief_peer
from catalogue.usecases.find_items import KEY, find_items
from catalogue.usecases.get_item import get_item
from catalogue.usecases.keep_peer_item import keep_peer_item
from catalogue.usecases.list_items import list_items
from catalogue.usecases.publish_item import publish_item
from catalogue.usecases.refresh_search import refresh_search


class CatalogueService:
    """Guides are public: whoever the bus lets call may read them; only an editor publishes."""

    name = "catalogue"
    contract = messages.CONTRACT
    app = Wired(wiring.build)

    @rpc(allow=("publisher",))
    def publish_item(self, request, call):
        content = messages.content_of(request.item)
        with self.app.work() as work:
            item, changed = publish_item(work, content, district=self.app.district, now=self.app.now())
        return messages.published(item, changed)

    @rpc(allow=SERVICE)
    def get_item(self, request, call):
        with self.app.work() as work:
            return messages.item_to_wire(get_item(work, request.code))

    @rpc(allow=SERVICE)
    def find_items(self, request, call):
        filters, wanted = messages.filters_of(request), wish(request.page, *KEY)
        with self.app.work() as work:
            page = find_items(work, request.query, filters, wanted, self.app.vocabulary)
        return messages.found(page)

    @rpc(allow=SERVICE)
    def list_items(self, request, call):
        filters, wanted = messages.filters_of(request), wish(request.page, bool, str)
        with self.app.work() as work:
            page = list_items(work, filters, wanted, district=self.app.district)
        return messages.listed(page)

    @every(30)
    def keep_search_fresh(self):
        more = True
        while more:
            with self.app.work() as work:
                more = refresh_search(work)

    @subscribe(messages.ItemPublished, via_courier=True)
    def on_peer_item_published(self, event, delivery):
        keep_peer_item(self.app.join(delivery), messages.item_of(event.item), sender=delivery.district)

    @subscribe(messages.LinkOpened)
    def on_link_opened(self, event, delivery):
        brief_peer(self.app.join(delivery), event.peer)

    @subscribe(messages.MessageRefused)
    def on_message_refused(self, event, delivery):
        self.app.note_refusal(event.peer, event.subject, event.code)
