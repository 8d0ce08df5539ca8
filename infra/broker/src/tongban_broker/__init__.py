"""What a district's broker holds, made from one table (bus.yaml): users, rights, exchanges, queues, bindings, policies."""
