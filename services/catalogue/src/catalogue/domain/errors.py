"""What the catalogue refuses.

CatalogueError
├── InvalidItem            a field of the item breaks its rule; `details` names the field
├── PromisedAboveStatutory the promised limit is above the statutory one
├── ItemNotFound           no item has this code
├── ForeignItem            the item belongs to another district, so it cannot be changed here
├── InvalidQuery           a search that no person types
├── NotTheOwner            a peer sent an item that it does not own
└── UnreadableFile         an import file as a whole cannot be read
"""

from __future__ import annotations

from typing import ClassVar


class CatalogueError(Exception):
    """`code` and `kind` cross the wire; the message is for the person in front of it."""

    code: ClassVar[str]
    kind: ClassVar[str]

    def __init__(self, sentence: str, **details: str) -> None:
        super().__init__(sentence)
        self.details = details


class InvalidItem(CatalogueError):
    code = "catalogue.invalid_item"
    kind = "invalid"

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"The item's {field} {rule}.", field=field)


class PromisedAboveStatutory(CatalogueError):
    code = "catalogue.promised_above_statutory"
    kind = "invalid"

    def __init__(self, promised: int, statutory: int) -> None:
        super().__init__(
            f"The promised limit of {promised} working days is above the statutory limit of {statutory}; lower it.",
            field="promised_limit_days",
        )


class InvalidQuery(CatalogueError):
    code = "catalogue.invalid_query"
    kind = "invalid"

    def __init__(self, rule: str) -> None:
        super().__init__(f"A search {rule}; use fewer words.", field="query")


class ItemNotFound(CatalogueError):
    code = "catalogue.item_not_found"
    kind = "not_found"

    def __init__(self) -> None:
        super().__init__("No service item has this code; look it up by name.")


class ForeignItem(CatalogueError):
    code = "catalogue.foreign_item"
    kind = "conflict"

    def __init__(self, owner: str) -> None:
        super().__init__(f"This code belongs to an item of district {owner}, which alone can change it.", owner=owner)


class NotTheOwner(CatalogueError):
    code = "catalogue.not_the_owner"
    kind = "forbidden"

    def __init__(self, sender: str, owner: str) -> None:
        super().__init__(
            f"District {sender} sent an item of district {owner}; a district publishes its own items only.",
            sender=sender,
            owner=owner,
        )


class UnreadableFile(CatalogueError):
    code = "catalogue.unreadable_file"
    kind = "invalid"

    def __init__(self, why: str) -> None:
        super().__init__(f"The file cannot be imported: {why}.")
