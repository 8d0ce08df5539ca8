"""A story read back out of several districts' spans."""

import base64
import io

import pytest
from rich.console import Console
from tongban_spans.tree import counts, is_whole, once_each, spans_of, tree

TRACE, OTHER = "ab" * 16, "cd" * 16


def raw(span_id, parent="", *, name="serve x.y", trace=TRACE, start=1_764_000_000_000_000_000, **more):
    return {
        "traceId": trace, "spanId": span_id, "parentSpanId": parent, "name": name,
        "startTimeUnixNano": str(start), "endTimeUnixNano": str(start + 2_500_000), **more,
    }  # fmt: skip


def document(*spans, district="320508", service="case_routing", top="batches"):
    attributes = [
        {"key": "service.name", "value": {"stringValue": service}},
        {"key": "district", "value": {"stringValue": district}},
    ]
    return {top: [{"resource": {"attributes": attributes}, "scopeSpans": [{"spans": list(spans)}]}]}


def shown(spans) -> str:
    console = Console(file=io.StringIO(), width=200)
    console.print(tree(spans, "case 320508-20261123-7KQ2M4XW"))
    return console.file.getvalue()


def test_children_of_another_district_stand_below_their_parents():
    here = spans_of(document(raw("11" * 8, name="send outer")))
    there = spans_of(document(raw("22" * 8, "11" * 8, name="take inner"), district="310101", service="courier"))
    lines = shown(there + here).splitlines()
    outer = next(line for line in lines if "send outer" in line)
    inner = next(line for line in lines if "take inner" in line)
    assert lines.index(inner) == lines.index(outer) + 1
    assert inner.index("310101") > outer.index("320508")
    assert "310101 courier take inner 2.5 ms" in inner


def test_counts_are_by_district_and_service_and_each_span_counts_once():
    here = spans_of(document(raw("11" * 8), raw("22" * 8)))
    there = spans_of(document(raw("33" * 8), district="310101", service="courier"))
    assert counts(here + there + here) == {"310101": {"courier": 1}, "320508": {"case_routing": 2}}


def test_traces_come_in_order_and_say_which_they_follow():
    later = raw("22" * 8, trace=OTHER, start=1_764_000_100_000_000_000, links=[{"traceId": TRACE, "spanId": "11" * 8}])
    text = shown(spans_of(document(later, raw("11" * 8))))
    assert text.index(f"trace {TRACE}") < text.index(f"trace {OTHER}")
    assert f"follows {TRACE[:8]}" in text.splitlines()[-2]


def test_a_span_whose_parent_no_district_showed_is_marked():
    assert "its parent was not shown to us" in shown(spans_of(document(raw("22" * 8, "99" * 8))))


def test_a_failed_span_says_with_what():
    failed = raw("11" * 8, status={"code": "STATUS_CODE_ERROR"}, attributes=[{"key": "error.type", "value": {"stringValue": "rpc.deadline"}}])  # fmt: skip
    assert "failed rpc.deadline" in shown(spans_of(document(failed)))


def test_spans_that_are_each_others_parents_are_still_shown():
    text = shown(spans_of(document(raw("11" * 8, "22" * 8, name="run a.a"), raw("22" * 8, "11" * 8, name="run b.b"))))
    assert "run a.a" in text and "run b.b" in text


def test_a_very_deep_trace_is_read():
    chain = [raw(f"{n:016x}", f"{n - 1:016x}" if n > 1 else "") for n in range(1, 1500)]
    assert len(spans_of(document(*chain))) == 1499
    tree(spans_of(document(*chain)), "deep")


@pytest.mark.parametrize("top", ["batches", "resourceSpans"])
def test_ids_are_read_in_hex_and_in_base64(top):
    coded = raw(base64.b64encode(b"\x11" * 8).decode(), base64.b64encode(b"\x22" * 8).decode(), trace=base64.b64encode(b"\xab" * 16).decode())  # fmt: skip
    [span] = spans_of(document(coded, top=top))
    assert (span.trace_id, span.span_id, span.parent_id) == (TRACE, "11" * 8, "22" * 8)


def test_version_2_of_tempos_answer_is_read():
    assert len(spans_of({"trace": document(raw("11" * 8), top="resourceSpans")})) == 1


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"batches": None},
        {"batches": [None, 3]},
        {"trace": 7},
        document({"traceId": "zz"}),
        document({"spanId": 5}),
        document(None),
    ],
)
def test_what_is_malformed_is_left_out(answer):
    assert spans_of(answer) == []


def test_markup_in_a_name_stays_text():
    assert "[red]x[/red]" in shown(spans_of(document(raw("11" * 8, name="run [red]x[/red]"))))


def test_spans_come_in_the_order_they_began():
    spans = spans_of(document(raw("22" * 8, start=1_764_000_000_000_000_500), raw("11" * 8)))
    assert [span.span_id for span in once_each(spans)] == ["11" * 8, "22" * 8]


def test_a_trace_is_not_whole_while_a_parent_is_still_to_come():
    child, parent = raw("b" * 16, "a" * 16), raw("a" * 16)
    assert not is_whole(spans_of(document(child)))
    assert is_whole(spans_of(document(child, parent)))
