"""What a ticket is and who may act on it; standard library only."""
