"""The small bus that the tests of events run on: one source, one subscriber, a ladder that a test can wait for."""

from __future__ import annotations

from tongban_broker.bus import Bus

SOURCE = "case_routing"
SUBSCRIBER = "notification"
RUNGS = (1, 2)

BUS = Bus.of(
    {
        "calls": {},
        "events": {
            SOURCE: {"CaseProgressed": [f"{SUBSCRIBER}.on_case_progressed"], "HandOverTaken": []},
            SUBSCRIBER: {},
            "courier": {},
        },
        "addressed": [],
        "courier": {
            "tongban.case_routing.v1.HandOverOffered": {"from": SOURCE, "to": f"{SUBSCRIBER}.on_hand_over_offered"},
        },
        "retry_ladder": RUNGS,
    }
)
