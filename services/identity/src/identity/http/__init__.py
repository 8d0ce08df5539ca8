"""The web process of identity: signing in, tokens, and what others need to check them. One module an endpoint."""
