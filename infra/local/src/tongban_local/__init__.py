"""Real districts on one machine: broker, database and services as ordinary processes, without containers.

account    the unprivileged user that everything runs as where root started it
engines    one RabbitMQ node, one PostgreSQL cluster
material   keys, certificates, passwords, registry and agreements of an environment
supervise  the one supervisord of an environment
environment  districts: up, down, stop one, start it again
"""
