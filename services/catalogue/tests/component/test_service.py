"""The running catalogue on a real broker and database: calls, events, the link, and the import command."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest
from catalogue import messages
from catalogue.domain.model import Mode
from chassis.errors import Fault
from tongban.catalogue.v1 import catalogue_pb2 as pb
from tongban.common.v1 import common_pb2 as common
from tongban.courier.v1.courier_pb2 import LinkOpened, MessageRefused

from tests.support.calls import BusClient, a_person, eventually

from ..factories import HUANGPU, SHANGCHENG, content, item, terms

pytestmark = pytest.mark.engines

PUBLISHER = a_person("publisher")


@pytest.fixture(scope="module")
def process(broker, database, service_process):
    return service_process("catalogue", database, TONGBAN_RETRY_LADDER="1")


@pytest.fixture(scope="module")
def bus(broker, process) -> BusClient:
    return BusClient(broker)


def publish(bus, code: str, *, actor=PUBLISHER, **changes) -> pb.PublishItemResponse:
    wire = messages.item_to_wire(item(code, **changes))
    return bus.call("catalogue.publish_item", pb.PublishItemRequest(item=wire), pb.PublishItemResponse, actor=actor)


def get(bus, code: str) -> pb.Item:
    return bus.call("catalogue.get_item", pb.GetItemRequest(code=code), pb.Item)


def knows(bus, code: str, version: int = 1) -> bool:
    try:
        return get(bus, code).version >= version
    except Fault as fault:
        assert fault.code == "catalogue.item_not_found"
        return False


def arrives(bus, wire: pb.Item, district: str) -> str:
    return bus.hand_on(pb.ItemPublished(item=wire), to="catalogue", district=district, subject=f"item/{wire.code}")


def test_a_published_item_is_found_by_code_by_words_and_in_the_list_and_goes_to_every_linked_district(bus) -> None:
    answer = publish(bus, "pub-1", name_zh="独一无二的事项")
    assert answer.changed
    assert (answer.item.version, answer.item.handling_district) == (1, "320508")
    assert get(bus, "pub-1") == answer.item
    found = bus.call("catalogue.find_items", pb.FindItemsRequest(query="独一无二"), pb.FindItemsResponse)
    assert list(found.items) == [answer.item]
    listed = bus.call("catalogue.list_items", pb.ListItemsRequest(), pb.ListItemsResponse)
    assert answer.item in listed.items
    ((headers, told),) = bus.sent(pb.ItemPublished)
    assert headers["tongban.target"] == "*"
    assert told.item == answer.item
    assert not publish(bus, "pub-1", name_zh="独一无二的事项").changed


@pytest.mark.parametrize("actor", [None, a_person("citizen", "clerk", "operator")])
def test_only_an_editor_publishes(bus, actor) -> None:
    with pytest.raises(Fault) as refused:
        publish(bus, "forbidden", actor=actor)
    assert refused.value.code == "rpc.forbidden"
    assert not knows(bus, "forbidden")


def test_what_the_domain_refuses_reaches_the_caller_with_code_kind_and_field(bus) -> None:
    wire = messages.item_to_wire(item("bad"))
    wire.promised_limit_days = 99
    with pytest.raises(Fault) as refused:
        bus.call("catalogue.publish_item", pb.PublishItemRequest(item=wire), pb.PublishItemResponse, actor=PUBLISHER)
    assert refused.value.code == "catalogue.promised_above_statutory"
    assert refused.value.kind == "invalid"
    assert refused.value.details == {"field": "promised_limit_days"}


def test_an_unknown_code_is_told_as_such(bus) -> None:
    with pytest.raises(Fault) as refused:
        get(bus, "nothing")
    assert (refused.value.code, refused.value.kind) == ("catalogue.item_not_found", "not_found")


@pytest.mark.parametrize(
    "page",
    [
        common.PageRequest(size=101),
        common.PageRequest(size=-1),
        common.PageRequest(cursor="!"),
        common.PageRequest(cursor="WzFd"),
        common.PageRequest(cursor="WyJcdTAwMDAiLCAiYSJd"),
    ],
)
def test_a_page_that_makes_no_sense_is_refused(bus, page) -> None:
    with pytest.raises(Fault) as refused:
        bus.call("catalogue.find_items", pb.FindItemsRequest(page=page), pb.FindItemsResponse)
    assert refused.value.code == "request.bad_page"


def test_walking_the_pages_shows_every_item_once(bus) -> None:
    for n in range(5):
        publish(bus, f"walk-{n}", theme="walking")
    codes, cursor = [], ""
    while True:
        request = pb.FindItemsRequest(query="walking", page=common.PageRequest(size=2, cursor=cursor))
        answer = bus.call("catalogue.find_items", request, pb.FindItemsResponse)
        codes += [each.code for each in answer.items]
        cursor = answer.page.next
        if not cursor:
            break
    assert codes == [f"walk-{n}" for n in range(5)]


def test_a_search_is_answered_in_plain_words_and_by_mode_and_refused_where_nobody_would_type_it(bus) -> None:
    publish(bus, "own-words", name_zh="社会保障卡挂失", terms=terms(mode=Mode.JOINT_HANDLING))
    publish(bus, "own-words-2", name_zh="社会保障卡挂失与解挂")

    def found(**request) -> list[str]:
        answer = bus.call("catalogue.find_items", pb.FindItemsRequest(**request), pb.FindItemsResponse)
        return [each.code for each in answer.items]

    assert found(query="我的社保卡丢了怎么办") == ["own-words", "own-words-2"]
    assert found(query="社保卡挂失", mode=pb.CROSS_PROVINCE_MODE_JOINT_HANDLING) == ["own-words"]
    listed = pb.ListItemsRequest(mode=pb.CROSS_PROVINCE_MODE_JOINT_HANDLING)
    assert [each.code for each in bus.call("catalogue.list_items", listed, pb.ListItemsResponse).items] == ["own-words"]
    for request, code in (({"query": "社" * 101}, "catalogue.invalid_query"), ({"mode": 9}, "catalogue.invalid_item")):
        with pytest.raises(Fault) as refused:
            found(**request)
        assert refused.value.code == code


def test_a_peers_item_is_kept_in_its_newest_version_in_any_order(bus) -> None:
    for version in (2, 3, 1):
        arrives(
            bus,
            messages.item_to_wire(item("peer-1", district=HUANGPU, version=version, name_en=f"v{version}")),
            HUANGPU,
        )
    eventually(lambda: knows(bus, "peer-1", 3))
    arrives(bus, messages.item_to_wire(item("peer-2", district=HUANGPU)), HUANGPU)
    eventually(lambda: knows(bus, "peer-2"))
    kept = get(bus, "peer-1")
    assert (kept.version, kept.name_en, kept.handling_district) == (3, "v3", HUANGPU)


def test_a_district_cannot_publish_anothers_item_and_the_attempt_is_parked_with_its_reason(bus) -> None:
    publish(bus, "ours")
    for code, owner, sender in (("ours", HUANGPU, HUANGPU), ("theirs", SHANGCHENG, HUANGPU)):
        arrives(bus, messages.item_to_wire(item(code, district=owner, version=9)), sender)
    parked = []
    eventually(lambda: parked.extend(bus.parked("catalogue")) or len(parked) == 2)
    assert {headers["tongban.reason"] for headers in parked} == {"catalogue.not_the_owner"}
    assert get(bus, "ours").handling_district == "320508"
    assert not knows(bus, "theirs")


def test_a_new_peer_gets_every_own_item(bus) -> None:
    publish(bus, "briefed")
    request = pb.ListItemsRequest(handling_district="320508", page=common.PageRequest(size=100))
    own = [each.code for each in bus.call("catalogue.list_items", request, pb.ListItemsResponse).items]
    bus.tell(LinkOpened(peer=SHANGCHENG), source="courier", subject=SHANGCHENG)
    told: list[str] = []

    def all_told() -> bool:
        for headers, message in bus.sent(pb.ItemPublished):
            if headers["tongban.target"] == SHANGCHENG:  # those to every district are of the tests before
                told.append(message.item.code)
        return len(told) >= len(own)

    eventually(all_told)
    assert sorted(told) == sorted(own)


def test_a_peer_that_refuses_an_item_is_counted_for_somebody_to_look(bus, process) -> None:
    refused = MessageRefused(
        peer=HUANGPU, type="tongban.catalogue.v1.ItemPublished", subject="item/x", code="courier.suspended"
    )
    bus.tell(refused, source="courier", subject="item/x", to="catalogue")
    counted = re.compile(rf'^tongban_catalogue_refused_total{{.*peer="{HUANGPU}".*}} 1\.0$', re.M)
    eventually(lambda: counted.search(process.get("/metrics")[1]))


@pytest.fixture(scope="module")
def import_items(engines, fresh_database):
    database = fresh_database("catalogue")
    environ = {**engines.district.service_environ("catalogue"), "TONGBAN_DATABASE_URL": database.url}

    def run(path, **options) -> subprocess.CompletedProcess:
        argv = [sys.executable, "-m", "catalogue", "import-items", str(path)]
        return subprocess.run(argv, env=environ, capture_output=True, text=True, timeout=60, check=False, **options)

    return run


def test_the_list_of_real_items_is_imported_once_however_often_it_is_imported(import_items, request) -> None:
    path = request.config.rootpath / "infra/districts/items/cross_province_items.csv"
    first, second = import_items(path), import_items(path)
    assert first.returncode == second.returncode == 0, first.stderr
    assert json.loads(first.stdout.splitlines()[-1]) == {"added": 62, "changed": 0, "unchanged": 0, "bad": []}
    assert json.loads(second.stdout.splitlines()[-1]) == {"added": 0, "changed": 0, "unchanged": 62, "bad": []}


def test_an_import_says_which_rows_it_left_out_and_ends_with_1(import_items) -> None:
    text = "name_zh,name_en,audience,theme,source,confidence\n甲,a,person,tax,s,read\n乙,b,nobody,tax,s,read\n"
    done = import_items("-", input=text)
    report = json.loads(done.stdout.splitlines()[-1])
    assert (done.returncode, report["added"], [bad["row"] for bad in report["bad"]]) == (1, 1, [3])
    assert "audience must be one of" in report["bad"][0]["reason"]


@pytest.mark.parametrize("arguments", [["nothing.csv"], []])
def test_an_import_without_a_file_ends_with_2(import_items, arguments) -> None:
    done = import_items(*(arguments or [""]))
    assert done.returncode == 2
    assert done.stderr


def test_the_factories_item_is_publishable(bus) -> None:
    assert messages.content_of(publish(bus, "plain").item) == content("plain")
