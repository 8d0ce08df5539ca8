"""What an SRE watches: the registry of telemetry, what is held against it, and the dashboards made from it."""
