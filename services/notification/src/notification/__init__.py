"""Tells people what happened to their cases (办件) and tickets (工单): in the app and by e-mail."""
