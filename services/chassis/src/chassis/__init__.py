"""What every service stands on: settings, logs, traces, RPC, events, outbox, inbox, database and health.

The chassis knows no service and no noun of the domain. A service imports modules, not names from here.
"""
