"""`make bench`: what the product costs beside the bare steps and beside what a user would take instead.

Nothing here can fail on noise: it measures and writes build/bench.json. tests/bench/README.md says how each row is taken.
"""
