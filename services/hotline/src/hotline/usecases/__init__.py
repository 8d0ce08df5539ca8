"""What the hotline does, one verb a file."""
