"""How the catalogue reaches its database and its files."""
