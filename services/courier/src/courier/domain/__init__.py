"""Envelopes, numbers, order, trust and proof, as plain values and functions."""
