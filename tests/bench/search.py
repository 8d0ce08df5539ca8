"""catalogue_search: what people type, among the items of eight districts, beside the same SQL without us.

The items are generated: the kiosk of one member offers guides for 3,573 items (2,760 + 813), and here each of eight
districts does. Their names are put together from words of real ones, so that words are as common as they are.
"""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import partial
from statistics import median, quantiles
from typing import Any

import psycopg2
from catalogue.adapters.search_sql import vector_text
from catalogue.adapters.storage import Items, columns
from catalogue.adapters.vocabulary import vocabulary
from catalogue.domain.model import Audience, Content, Item, MaterialRequirement, Mode, Provenance, Terms
from catalogue.usecases.find_items import find_items
from catalogue.usecases.ports import Filters
from chassis.database import Database
from chassis.paging import Wish
from psycopg2.extras import Json, execute_values
from sqlalchemy import event

from tests.bench.rows import Aim, Progress, Row, interleave, row
from tests.support.engines import Engines, ServiceDatabase, running_engines

HERE = "320508"
DISTRICTS = (HERE, "310101", "320106", "330102", "330212", "340103", "340104", "320402")
OF_ONE_DISTRICT = 3573
MILLION = 1_000_000
AIM = Aim(to_floor=1.3, less_is_better=True)
ROUNDS = 5
#: Whole words, other names, noise, English, nothing exact, one common word, one common character.
TYPED = (
    "结婚登记", "社保卡丢了怎么办", "医保转移", "异地就医备案", "我要开公司", "住房公积金提取", "换领机动车驾驶证", "marriage registration",
    "营业执照注销公证", "企业", "登记", "证",
)  # fmt: skip
_OBJECTS = [
    "社会保障卡",
    "基本医疗保险关系",
    "养老保险关系",
    "住房公积金",
    "婚姻登记档案",
    "内地居民婚姻",
    "机动车驾驶证",
    "机动车行驶证",
    "居民身份证",
    "居住证",
    "营业执照",
    "食品经营许可证",
    "道路运输经营许可证",
    "不动产权证书",
    "企业设立",
    "个体工商户",
    "社会团体",
    "民办学校",
    "医疗机构执业许可证",
    "医师执业证书",
    "教师资格证书",
    "建设工程规划许可证",
    "建筑施工许可证",
    "排污许可证",
    "烟草专卖零售许可证",
    "失业保险金",
    "生育津贴",
    "残疾人两项补贴",
    "最低生活保障",
    "户口",
    "学历证书",
    "异地就医",
    "犬只",
    "危险化学品经营许可证",
    "消防安全检查",
    "特种设备使用",
]
_ACTS = [
    "申领",
    "登记",
    "备案",
    "查询",
    "变更",
    "注销",
    "补领",
    "换领",
    "转移接续",
    "核发",
    "延续",
    "公证",
    "年审",
    "挂失",
    "激活",
    "证明开具",
]
_QUALIFIERS = [
    "临时",
    "个人",
    "单位",
    "企业",
    "外籍人员",
    "港澳居民",
    "高校毕业生",
    "退役军人",
    "农村居民",
    "城镇职工",
    "灵活就业人员",
    "未成年人",
]
_MATERIALS = (MaterialRequirement("application_form", "申请表", "application form", True),)


def generated(count: int) -> Iterator[Item]:
    """`count` items, the same ones each time, spread over the districts; no two of a district have one name."""
    chance, at = random.Random(count), datetime(2026, 11, 23, tzinfo=UTC)
    for number in range(count):
        name = f"{chance.choice(_QUALIFIERS)}{chance.choice(_OBJECTS)}{chance.choice(_ACTS)}（{number:06d}）"
        terms = Terms(chance.choice(list(Mode)), 20, 10, _MATERIALS, Provenance.GENERATED)
        district = DISTRICTS[number % len(DISTRICTS)]
        names = {"name_zh": name, "name_en": f"generated item {number}", "theme": "generated", "source": "tests/bench"}
        content = Content(
            f"{district}-{number:07d}", audience=Audience.PERSON, provenance=Provenance.GENERATED, terms=terms, **names
        )
        yield Item(content, district, 1, at)


def fill(database: ServiceDatabase, count: int) -> None:
    """Writes the items as the service would, in few statements."""
    made = generated(count)
    with closing(psycopg2.connect(_plain(database.url))) as connection, connection, connection.cursor() as cursor:
        while batch := list(itertools.islice(made, 2000)):
            execute_values(cursor, *_statement(batch), page_size=2000)
    with closing(psycopg2.connect(_plain(database.owner_url))) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE items")


def _statement(batch: list[Item]) -> tuple[str, list[list[Any]], str]:
    rows = []
    for item in batch:
        values = columns(item) | {"search": vector_text(item.content), "is_copy": item.handling_district != HERE}
        rows.append(values | {"materials": Json(values["materials"])})
    names = list(rows[0])
    places = ", ".join("%s::tsvector" if name == "search" else "%s" for name in names)
    return f"INSERT INTO items ({', '.join(names)}) VALUES %s", [list(each.values()) for each in rows], f"({places})"


class Searches:
    """The searches of one database, by us and by the SQL that we send."""

    def __init__(self, database: ServiceDatabase) -> None:
        self._pool = Database(database.url)
        self._bare = psycopg2.connect(_plain(database.url))
        self._sent: dict[str, list[tuple[str, Any]]] = {}
        self.found: dict[str, int] = {}
        self.times: dict[str, list[float]] = {typed: [] for typed in TYPED}
        for typed in TYPED:
            self._listen(typed)

    def close(self) -> None:
        self._bare.close()
        self._pool.close()

    def ours(self) -> float:
        """Milliseconds of all searches."""
        return sum(self._ours(typed) for typed in TYPED)

    def floor(self) -> float:
        """The same for the bare SQL: each in its transaction, its rows fetched."""
        began = time.perf_counter()
        for sent in self._sent.values():
            with self._bare, self._bare.cursor() as cursor:
                for statement, parameters in sent:
                    cursor.execute(statement, parameters)
                    cursor.fetchall()
        return 1000 * (time.perf_counter() - began)

    def _ours(self, typed: str) -> float:
        began = time.perf_counter()
        with self._pool.transaction() as connection:
            page = find_items(_Work(Items(connection, HERE)), typed, Filters(), Wish(20), vocabulary())
        took = 1000 * (time.perf_counter() - began)
        self.times[typed].append(took)
        self.found[typed] = len(page.rows)
        return took

    def _listen(self, typed: str) -> None:
        sent: list[tuple[str, Any]] = []

        def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
            sent.append((statement, parameters))

        with self._pool.transaction() as connection:
            event.listen(connection, "before_cursor_execute", note)
            find_items(_Work(Items(connection, HERE)), typed, Filters(), Wish(20), vocabulary())
        self._sent[typed] = sent


class _Work:
    """As much of a transaction as a search needs."""

    def __init__(self, items: Items) -> None:
        self.items = items


def _plain(url: str) -> str:
    return url.replace("+psycopg2", "")


@contextmanager
def searches(engines: Engines, count: int, progress: Progress) -> Iterator[Searches]:
    progress(f"{count} items are generated")
    database = engines.fresh_database("catalogue")
    fill(database, count)
    with closing(Searches(database)) as made:
        yield made


def measure(name: str, progress: Progress) -> list[Row]:
    """The row `name`: at the size it is about, and at an eighth of it to see how it grows."""
    count = MILLION if name == MILLION_ROW else OF_ONE_DISTRICT * len(DISTRICTS)
    progress("a database starts")
    with running_engines() as engines:
        with searches(engines, count // len(DISTRICTS), progress) as few:
            before = median(few.ours() for _ in range(ROUNDS))
        with searches(engines, count, progress) as many:
            many.ours()
            timings = interleave({"ours": many.ours, "floor": many.floor}, ROUNDS, progress, minutes=4.0)
            each = {typed: round(median(times), 2) for typed, times in many.times.items()}
            every = sorted(itertools.chain.from_iterable(many.times.values()))
            found = many.found
    details = {
        "items": count,
        "searches_a_run": len(TYPED),
        "ms_of_each_p50": each,
        "found_on_the_first_page": found,
        "p99_ms": round(quantiles(every, n=100)[-1], 2),
        "times_the_items": len(DISTRICTS),
        "times_the_milliseconds": round(median(timings["ours"]) / before, 2),
    }
    note = "milliseconds of twelve searches one after another, first pages of 20; generated items; the floor is the SQL that we send, by psycopg2"
    return [row(name, timings, "ms", AIM, note=note, details=details)]


MILLION_ROW = "catalogue_search_million"
ROWS = {name: partial(measure, name) for name in ("catalogue_search", MILLION_ROW)}
