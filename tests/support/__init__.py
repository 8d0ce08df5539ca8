"""Real engines and real service processes for tests; see README.md."""
