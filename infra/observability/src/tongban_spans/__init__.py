"""Where one district keeps its spans on a machine without a tracing backend, and how a story is read back out of them.

In production Grafana Tempo stands in this place: spans come in over OTLP/HTTP and go out as Tempo's trace-by-id answer.
"""
