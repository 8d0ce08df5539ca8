"""Kiosks (自助终端): owned by one district, standing in its own hall or hosted in another's (异地布建)."""
