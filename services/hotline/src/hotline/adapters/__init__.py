"""How the hotline reaches its database and the other services."""
