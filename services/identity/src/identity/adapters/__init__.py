"""How identity reaches its database, and what it takes from libraries: keys, tokens, hashes, number checks."""
