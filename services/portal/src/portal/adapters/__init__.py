"""What the pages stand on: the database, this district's identity, and its gateway."""
