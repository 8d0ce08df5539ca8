"""What identity does, one verb a module."""
