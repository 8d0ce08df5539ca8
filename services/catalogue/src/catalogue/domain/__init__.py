"""What a service item is and which rules hold for it; standard library only."""
