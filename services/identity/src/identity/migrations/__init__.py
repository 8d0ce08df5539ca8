"""Identity's schema, one revision after the other."""
