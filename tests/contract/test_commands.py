"""What the READMEs and the Makefile tell a person to type is there to be typed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tongban_cli.main import parser
from tongban_local.checkout import ROOT

#: Inside backquotes, or a line of a block of commands: prose may say "make the".
_INLINE, _BLOCK = re.compile(r"`([^`\n]+)`"), re.compile(r"^```sh\n(.*?)^```|(?:(?:^    .*\n)+)", re.M | re.S)
_MAKE = re.compile(r"(?:^|[;&|]\s*)make ([a-z]+)\b", re.M)
_TONGBAN = re.compile(r"(?:^|[\s\"$(/])(?:build/venv/bin/)?tongban ([a-z]+)\b", re.M)


def pages() -> list[Path]:
    folders = [path for path in sorted(ROOT.iterdir()) if path.is_dir() and path.name not in ("build", ".git")]
    found = [*ROOT.glob("*.md"), *(page for folder in folders for page in sorted(folder.rglob("*.md")))]
    return [page for page in found if "node_modules" not in page.parts]


def commands(path: Path) -> str:
    text = path.read_text()
    found = [match[0] for match in _BLOCK.finditer(text)] + [match[1] for match in _INLINE.finditer(text)]
    return "\n".join(line.strip() for part in found for line in part.splitlines())


def targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))


def subcommands() -> set[str]:
    (action,) = (action for action in parser()._actions if action.dest == "command")
    assert action.choices
    return set(action.choices)


def test_pages_name_commands() -> None:
    """Else the patterns here have gone blind."""
    told = commands(ROOT / "README.md")
    assert {"demo", "test", "up", "down", "status", "logs"} <= set(_MAKE.findall(told))
    assert {"status", "shell", "trace"} <= set(_TONGBAN.findall(told))


@pytest.mark.parametrize("page", pages(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_that_a_page_names_exists(page: Path) -> None:
    told = commands(page)
    assert set(_MAKE.findall(told)) - targets() == set()
    assert set(_TONGBAN.findall(told)) - subcommands() == set()


def test_every_target_runs_a_subcommand_that_exists_and_says_what_it_is_for() -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert set(re.findall(r"\$\(TONGBAN\) ([a-z]+)", makefile)) - subcommands() == set()
    assert set(re.findall(r"^([a-z]+):.*## ", makefile, re.M)) == targets()
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.M)
    assert phony
    assert set(phony[1].split()) == targets()
