"""The world outside the gateway: the bus, identity's keys, the trace source."""
