"""What the courier counts; names as in the README."""

from __future__ import annotations

from chassis.telemetry import counter, gauge

SENT = counter("tongban_courier_sent_total", "Messages numbered for a peer.", "peer")
UNSENT = counter("tongban_courier_unsent_total", "Messages refused here, before they had a number.", "code")
PUBLISHED = counter(
    "tongban_courier_published_total", "Envelopes that a peer's broker confirmed, repeats included.", "peer"
)
TAKEN = counter("tongban_courier_taken_total", "Authentic messages settled: accepted, refused, or known.", "peer")
QUARANTINED = counter("tongban_courier_quarantined_total", "What arrived and nobody can be held to, by reason.", "code")
UNANSWERED = counter("tongban_courier_unanswered_total", "Envelopes dropped without an answer while links are closed.")
SETTLED = counter("tongban_courier_settled_total", "Messages closed by a peer's receipt.", "peer")
WAITING = gauge("tongban_courier_waiting", "Messages without a receipt.", "peer")
OLDEST_SECONDS = gauge("tongban_courier_oldest_waiting_seconds", "Age of the oldest message without a receipt.", "peer")
ROUND_TRIP_SECONDS = gauge("tongban_courier_round_trip_seconds", "From a canary to its echo.", "peer")
LIGHT = gauge("tongban_courier_light", "1 while the light is on.", "peer", "light")
EPOCHS = counter("tongban_courier_epochs_total", "Epochs begun because this database had gone back in time.")
CHUNKS_SENT = counter("tongban_courier_chunks_sent_total", "Chunks of large bodies given to a peer.", "peer")
CHUNKS_TAKEN = counter("tongban_courier_chunks_taken_total", "Chunks of large bodies kept from a peer.", "peer")
