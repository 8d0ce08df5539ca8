"""What a kiosk is, where it may stand and when it counts as silent; standard library only."""
