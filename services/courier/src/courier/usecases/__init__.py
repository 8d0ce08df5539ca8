"""What the courier does, one verb a file."""
