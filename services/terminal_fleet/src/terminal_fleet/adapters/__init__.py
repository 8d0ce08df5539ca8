"""How the terminal fleet reaches its database and the other services."""
