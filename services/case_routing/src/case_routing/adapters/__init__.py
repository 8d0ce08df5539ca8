"""What the use cases need, on real things."""
