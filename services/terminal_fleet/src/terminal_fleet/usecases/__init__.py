"""What the terminal fleet does, one verb a file."""
