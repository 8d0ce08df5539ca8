"""What the courier answers, and what it does by the clock. Messages come and go by themselves (adapters)."""

from __future__ import annotations

from chassis.paging import page, wish
from chassis.rpc import rpc
from chassis.runner import every

from courier import messages, wiring
from courier.adapters.link_storage import LinkBooks


class CourierService:
    """Only operators look in, and nothing that a message says is shown to them."""

    name = "courier"
    contract = messages.CONTRACT
    app = wiring.Running()

    @rpc(allow=("operator",))
    def list_links(self, request, call):
        return messages.links(self.app.links())

    @rpc(allow=("operator",))
    def list_messages(self, request, call):
        wanted = wish(request.page, str, str, str)
        with self.app.books(LinkBooks) as books:
            views = books.sent_views(
                request.peer, messages.state_wanted(request.state), messages.after(wanted), wanted.size + 1
            )
        found = page(views, wanted, lambda view: (view.created_at.isoformat(), view.peer, str(view.id)))
        return messages.sent_messages(found.rows, found.next)

    @rpc(allow=("operator",))
    def list_quarantine(self, request, call):
        wanted = wish(request.page, str, str)
        with self.app.books(LinkBooks) as books:
            rows = books.quarantine_rows(messages.after(wanted), wanted.size + 1)
        found = page(rows, wanted, lambda row: (row.at.isoformat(), str(row.id)))
        return messages.quarantined(found.rows, found.next)

    @every(1.0)
    def look_after(self):
        self.app.look_after()

    @every(10.0)
    def show(self):
        self.app.show()

    @every(3600.0)
    def prune(self):
        self.app.prune()
