"""Reads a list of items from a CSV file (UTF-8, RFC 4180) with the headings that an import knows."""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path

from catalogue.domain.errors import UnreadableFile
from catalogue.usecases.import_items import COLUMNS, Row


def read_items(path: Path) -> list[Row]:
    """Every row after the headings; `-` is standard input. Raises UnreadableFile where the whole makes no sense."""
    name = "standard input" if str(path) == "-" else str(path)
    try:
        data = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
        reader = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
        headings = list(reader.fieldnames or ())
        rows: list[Row] = list(reader)
    except OSError as error:
        raise UnreadableFile(f"{name}: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise UnreadableFile(f"{name}: not CSV in UTF-8 ({error})") from error
    if headings != list(COLUMNS):
        raise UnreadableFile(f"{name}: its headings must be {','.join(COLUMNS)}")
    return rows
