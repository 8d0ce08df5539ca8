"""What an account, a session and a client are, and the rules for them; standard library only."""
