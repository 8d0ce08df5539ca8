"""What the catalogue does, one verb a file."""
