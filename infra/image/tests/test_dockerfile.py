"""What can be read off the Dockerfile: stages, user, labels, lock, and that nothing secret or foreign comes in."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass, field

import pytest
from tongban_local.checkout import ROOT

_FOLDER = ROOT / "infra" / "image"
_TEXT = (_FOLDER / "Dockerfile").read_text()


@dataclass
class Stage:
    """One FROM and what follows it."""

    base: str
    name: str
    steps: list[tuple[str, str]] = field(default_factory=list)

    def all(self, verb: str) -> list[str]:
        return [rest for found, rest in self.steps if found == verb]


def stages() -> tuple[list[str], list[Stage]]:
    """The ARGs before the first FROM, and the stages."""
    joined = re.sub(r"\\\n\s*", " ", re.sub(r"^#.*\n", "", _TEXT, flags=re.MULTILINE))
    outer: list[str] = []
    found: list[Stage] = []
    for line in filter(None, map(str.strip, joined.splitlines())):
        verb, _, rest = line.partition(" ")
        if verb == "FROM":
            base, _, name = rest.partition(" AS ")
            found.append(Stage(base, name))
        elif found:
            found[-1].steps.append((verb, rest))
        else:
            outer.append(rest)
    return outer, found


OUTER, STAGES = stages()
FINAL = STAGES[-1]
PACKAGES = next(stage for stage in STAGES if stage.name == "packages")


def test_every_stage_stands_on_the_one_base_that_is_an_argument() -> None:
    assert [line for line in OUTER if line.startswith("BASE=")]
    assert [stage.base for stage in STAGES] == ["${BASE}", "${BASE}", "${BASE}", "runtime"]


def test_the_final_stage_runs_as_10001_and_never_as_root_after_it() -> None:
    assert FINAL.all("USER") == ["10001:10001"]
    assert FINAL.all("RUN") == []  # what it runs, it runs in stages that are left behind


def test_the_final_stage_copies_packages_and_tree_and_nothing_of_the_checkout() -> None:
    assert FINAL.all("COPY") == ["--from=packages /opt/tongban /opt/tongban", "--from=tree /app /app"]
    assert not [rest for stage in STAGES for rest in stage.all("ADD")]


def test_packages_are_locked_by_hashes_and_built_nowhere() -> None:
    (install,) = PACKAGES.all("RUN")
    assert "--require-hashes" in install
    assert "--only-binary :all:" in install  # so no compiler is needed, and no code of a package runs here
    assert "--without-pip /opt/tongban" in install
    for ring in ("bus", "edge"):
        lock = (ROOT / "requirements" / f"{ring}.txt").read_text()
        assert lock.count("--hash=sha256:") >= len(re.findall(r"^[a-z0-9]", lock, re.MULTILINE))


def test_no_file_here_holds_an_address_or_a_secret() -> None:
    for path in (*_FOLDER.glob("*.sh"), _FOLDER / "Dockerfile", ROOT / ".dockerignore"):
        assert not re.search(r"[a-z]+://", path.read_text()), path
    told = [rest for stage in STAGES for verb in ("ARG", "ENV") for rest in stage.all(verb)]
    assert not [rest for rest in (*OUTER, *told) if re.search(r"(?i)password|token|secret|key", rest)]


def test_the_labels_are_those_of_the_image_specification() -> None:
    (labels,) = FINAL.all("LABEL")
    names = set(re.findall(r"org\.opencontainers\.image\.([a-z.]+)=", labels))
    assert names == {"title", "description", "vendor", "licenses", "version", "revision", "base.name"}


def test_a_container_can_have_a_read_only_root() -> None:
    (told,) = FINAL.all("ENV")
    assert "PYTHONDONTWRITEBYTECODE=1" in told
    assert FINAL.all("VOLUME") == []


def test_the_shell_of_the_entrypoint_becomes_the_process() -> None:
    (entry,) = FINAL.all("ENTRYPOINT")
    assert "exec python -m" in entry


def test_the_context_is_what_the_stages_copy() -> None:
    """An allow list: what is not named never reaches the engine that builds."""
    lines = (ROOT / ".dockerignore").read_text().split("\n")
    allowed = [line[1:] for line in lines if line.startswith("!")]
    assert lines[1] == "*"
    wanted = {
        part
        for stage in STAGES
        for rest in stage.all("COPY")
        if not rest.startswith("--from")
        for part in rest.split()[:-1]
    }
    for path in (name.replace("wheel[s]", "wheels") for name in wanted):
        assert any(path.startswith(one) for one in allowed), path


@pytest.mark.parametrize("script", ["base.sh", "build.sh", "strip.sh"])
def test_the_scripts_are_read_by_a_plain_shell(script: str) -> None:
    assert subprocess.run(["/bin/dash", "-n", str(_FOLDER / script)], check=False).returncode == 0


def test_a_base_of_an_unknown_kind_is_refused_with_the_kinds() -> None:
    done = subprocess.run(["/bin/sh", str(_FOLDER / "base.sh"), "redis"], check=False, capture_output=True, text=True)
    assert done.returncode == 2
    assert "python, rabbitmq, postgres" in done.stderr
