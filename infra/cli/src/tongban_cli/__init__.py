"""The `tongban` command: what a person who runs districts types."""
