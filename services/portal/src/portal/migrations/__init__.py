"""The portal's schema, one revision after the other."""
