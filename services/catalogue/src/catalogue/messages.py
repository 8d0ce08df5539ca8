"""The catalogue's contract ↔ its domain; the only module that knows generated code."""

from __future__ import annotations

from functools import partial

from chassis.contracts import EnumWords, moment, timestamp
from chassis.paging import Page
from tongban.catalogue.v1 import catalogue_pb2 as pb
from tongban.common.v1 import common_pb2 as common
from tongban.courier.v1.courier_pb2 import LinkOpened, MessageRefused

from catalogue.domain import events
from catalogue.domain.errors import InvalidItem
from catalogue.domain.model import Audience, Content, Item, MaterialRequirement, Mode, Provenance, Terms
from catalogue.usecases.ports import Filters

__all__ = ["CONTRACT", "ItemPublished", "LinkOpened", "MessageRefused"]

CONTRACT = pb.DESCRIPTOR.services_by_name["CatalogueService"]
ItemPublished = pb.ItemPublished

_AUDIENCE = EnumWords(Audience, pb.Audience, "AUDIENCE")
_MODE = EnumWords(Mode, pb.CrossProvinceMode, "CROSS_PROVINCE_MODE")
_PROVENANCE = EnumWords(Provenance, common.Provenance, "PROVENANCE")


def content_of(wire: pb.Item) -> Content:
    """What an owner says of an item. Raises InvalidItem; a provenance that is not set is the owner's own word."""
    return Content(
        code=wire.code,
        name_zh=wire.name_zh,
        name_en=wire.name_en,
        audience=_AUDIENCE.word(wire.audience, partial(InvalidItem, "audience")),
        theme=wire.theme,
        source=wire.source,
        provenance=_provenance("provenance", wire.provenance),
        terms=Terms(
            mode=_MODE.word(wire.mode, partial(InvalidItem, "mode")),
            statutory_limit_days=wire.statutory_limit_days,
            promised_limit_days=wire.promised_limit_days,
            materials=tuple(
                MaterialRequirement(each.key, each.name_zh, each.name_en, each.required) for each in wire.materials
            ),
            provenance=_provenance("terms_provenance", wire.terms_provenance),
        ),
    )


def item_of(wire: pb.Item) -> Item:
    """A published item, as a peer sends it. Raises InvalidItem."""
    if wire.version < 1:
        raise InvalidItem("version", "must be 1 or more")
    return Item(content_of(wire), wire.handling_district, wire.version, moment(wire.published_at))


def item_to_wire(item: Item) -> pb.Item:
    content, terms = item.content, item.content.terms
    return pb.Item(
        code=content.code,
        handling_district=item.handling_district,
        name_zh=content.name_zh,
        name_en=content.name_en,
        audience=_AUDIENCE.number(content.audience),
        theme=content.theme,
        mode=_MODE.number(terms.mode),
        statutory_limit_days=terms.statutory_limit_days,
        promised_limit_days=terms.promised_limit_days,
        materials=[pb.MaterialRequirement(**vars(each)) for each in terms.materials],
        source=content.source,
        provenance=_PROVENANCE.number(content.provenance),
        terms_provenance=_PROVENANCE.number(terms.provenance),
        version=item.version,
        published_at=timestamp(item.published_at),
    )


def filters_of(request: pb.FindItemsRequest | pb.ListItemsRequest) -> Filters:
    """Which items a request is about at all. Raises InvalidItem for a mode that there is not."""
    unspecified = request.mode == pb.CROSS_PROVINCE_MODE_UNSPECIFIED
    mode = None if unspecified else _MODE.word(request.mode, partial(InvalidItem, "mode"))
    return Filters(request.handling_district, mode)


def published(item: Item, changed: bool) -> pb.PublishItemResponse:
    return pb.PublishItemResponse(item=item_to_wire(item), changed=changed)


def found(page: Page[Item]) -> pb.FindItemsResponse:
    return pb.FindItemsResponse(items=page.map(item_to_wire), page=common.PageInfo(next=page.next))


def listed(page: Page[Item]) -> pb.ListItemsResponse:
    return pb.ListItemsResponse(items=page.map(item_to_wire), page=common.PageInfo(next=page.next))


def event_to_wire(event: events.ItemPublished) -> pb.ItemPublished:
    return pb.ItemPublished(item=item_to_wire(event.item))


def _provenance(field: str, number: int) -> Provenance:
    if number == common.PROVENANCE_UNSPECIFIED:
        return Provenance.OWNER
    return _PROVENANCE.word(number, partial(InvalidItem, field))
