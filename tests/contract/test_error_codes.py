"""Every code that an error of ours can carry stands in some test: by itself, or by the error's class."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tongban_local.checkout import ROOT

#: What begins a code: a service, or a part of the tree that people meet.
_CODE = re.compile(r"(?:[a-z]+_?[a-z]+)\.[a-z]+(?:_[a-z]+)*")
_MAKERS = {"Fault", "Finding"}
#: Calls of these say the code without its beginning, which their class adds.
_SHORT = {
    "DistrictError": "district",
    "EvidenceError": "courier",
    "Rejected": "courier",
    "TrustError": "courier",
    "Unauthenticated": "courier",
}


#: No test says these yet. The list only gets shorter.
_UNTRIED = {
    "identity.home_refused",
}


def sources() -> Iterator[ast.Module]:
    for path in [*ROOT.glob("services/*/src/**/*.py"), *ROOT.glob("infra/*/src/**/*.py")]:
        yield ast.parse(path.read_text())


def declared() -> dict[str, set[str]]:
    """Each code → the classes that have it."""
    found: dict[str, set[str]] = {}
    for tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                for code in _called(node):
                    found.setdefault(code, set())
            if isinstance(node, ast.ClassDef):
                for code in _of_class(node):
                    found.setdefault(code, set()).add(node.name)
    return found


def _called(node: ast.Call) -> Iterator[str]:
    name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
    first = node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else None
    if isinstance(first, str) and name in _MAKERS and _CODE.fullmatch(first):
        yield first
    elif isinstance(first, str) and name in _SHORT:
        yield f"{_SHORT[name]}.{first}"


def _of_class(node: ast.ClassDef) -> Iterator[str]:
    for line in node.body:
        if isinstance(line, ast.Assign):
            names = [part.id for part in ast.walk(line.targets[0]) if isinstance(part, ast.Name)]
            values = line.value.elts if isinstance(line.value, ast.Tuple) else [line.value]
            for name, value in zip(names, values, strict=False):
                if name == "code" and isinstance(value, ast.Constant) and _CODE.fullmatch(str(value.value)):
                    yield str(value.value)


def words_of_tests() -> set[str]:
    """Every name and every word of every text in the tests, with the part of a code behind its dot too."""
    found: set[str] = set()
    here = ROOT / "tests" / "contract" / "test_error_codes.py"
    for pattern in ("services/*/tests/**/*.py", "infra/*/tests/**/*.py", "tests/**/*.py"):
        for path in set(ROOT.glob(pattern)) - {here}:
            found |= set(re.findall(r"[A-Za-z_]+(?:\.[a-z_]+)?", path.read_text()))
    return found


def test_every_error_code_stands_in_a_test() -> None:
    codes, words = declared(), words_of_tests()
    assert len(codes) > 150
    short = {code for code in codes if code.partition(".")[0] in _SHORT.values() and code.partition(".")[2] in words}
    untried = {c for c, classes in codes.items() if not ({c} | classes) & words and c not in short}
    assert sorted(untried - _UNTRIED) == [], "no test says these codes"
    assert sorted(_UNTRIED - untried) == [], "these are tried: take them off the list"
