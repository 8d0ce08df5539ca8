"""The transit seal of tests that write outboxes themselves."""

from chassis.sealed import TransitSeal

#: The setting that makes `TRANSIT`, for processes that are to open what a test sealed.
TRANSIT_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
TRANSIT = TransitSeal.of(TRANSIT_KEY)
