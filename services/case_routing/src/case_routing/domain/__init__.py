"""The rules of a case; standard library only."""
