"""The pages, one module a matter. ROUTES is the whole of what the portal answers to."""

from portal.routes import apply, assets, cases, home, items, materials, messages, sessions, signing, work

ROUTES = tuple(
    route
    for module in (home, items, apply, cases, materials, messages, sessions, work, signing, assets)
    for route in module.ROUTES
)
