"""Putting something else in the place of what a product has."""

from __future__ import annotations

from typing import Any


def put(owner: Any, **others: Any) -> None:
    """In the place of these attributes of `owner`. What is not there cannot be taken away: the build has gone blind."""
    for name, other in others.items():
        assert hasattr(owner, name), f"{owner.__name__} has no {name} any more: this build removes nothing"
        setattr(owner, name, other)
