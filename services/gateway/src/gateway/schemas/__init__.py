"""The JSON of the public API, one module a resource: what a caller may send, and what they get."""
