"""Moments and words that every service translates alike."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum

import pytest
from chassis.contracts import EnumWords, moment, timestamp
from chassis.errors import Fault
from google.protobuf.timestamp_pb2 import Timestamp
from tongban.common.v1 import common_pb2 as common


class Provenance(StrEnum):
    READ = "read"
    SAMPLE = "sample"


def test_a_moment_survives_to_the_microsecond_and_none_stays_unset() -> None:
    at = datetime(2026, 11, 23, 1, 2, 3, 456789, tzinfo=UTC)
    assert moment(timestamp(at)) == at
    assert timestamp(None) is None


@pytest.mark.parametrize("seconds", [2**62, -(2**62), 253402300800])
def test_a_time_outside_all_calendars_is_a_fault_not_a_defect(seconds) -> None:
    with pytest.raises(Fault) as refused:
        moment(Timestamp(seconds=seconds))
    assert refused.value.code == "request.bad_time"


def test_words_and_numbers_match_and_the_unknown_is_refused_with_what_there_is() -> None:
    words = EnumWords(Provenance, common.Provenance, "PROVENANCE")
    assert words.number(Provenance.SAMPLE) == common.PROVENANCE_SAMPLE
    assert words.word(common.PROVENANCE_READ, ValueError) is Provenance.READ
    with pytest.raises(ValueError, match="must be one of read, sample"):
        words.word(common.PROVENANCE_UNSPECIFIED, ValueError)


def test_a_word_without_a_number_is_found_at_import() -> None:
    with pytest.raises(ValueError):
        EnumWords(Provenance, common.Provenance, "WRONG")
