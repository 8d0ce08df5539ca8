"""The routes of the public API, one module a resource."""

from gateway.routes import accounts, cases, decisions, items, kiosks, links, notices, operation, tickets

ROUTERS = tuple(m.router for m in (items, cases, decisions, notices, kiosks, tickets, links, accounts, operation))
