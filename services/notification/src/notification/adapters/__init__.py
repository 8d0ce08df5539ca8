"""PostgreSQL, identity and the mail server."""
