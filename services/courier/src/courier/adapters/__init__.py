"""JOSE, PostgreSQL and AMQP, behind the ports of the use cases."""
