"""The two engines of a district: a real RabbitMQ node and a real PostgreSQL cluster, as ordinary child processes.

    broker = Broker.create(folder, "127.20.9.1"); broker.write(definitions); broker.start(); broker.wait_ready(user, password)
    database = Postgres.create(folder, "127.20.9.1"); database.write(); database.start(); database.wait_ready()
    … broker.stop(); database.stop()

Started by root, they run as the account of `tongban_local.account`, who must be able to reach their folders.
"""

from __future__ import annotations

from tongban_local.broker_node import Broker, CourierListener, can_connect
from tongban_local.postgres_cluster import Postgres
from tongban_local.processes import NotReady

__all__ = ["Broker", "CourierListener", "NotReady", "Postgres", "can_connect"]
