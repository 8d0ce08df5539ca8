"""Cases: intake, routing, handling, delivery; one number in both districts, at most one of which may act."""
