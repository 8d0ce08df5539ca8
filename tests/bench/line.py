"""A driver process: a question a line in, an answer a line out, both JSON. What is timed runs there, away from pytest and rich."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from tongban_local.checkout import ROOT


class Line:
    """`python -m <module>` with a pipe each way; it ends when its input does, servers by SIGTERM."""

    def __init__(self, module: str, *argv: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", module, *argv],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(self, *question: object) -> Any:
        """Raises RuntimeError when the driver ends instead of answering."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return self.answer()

    def answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"a driver ended with {self._process.wait(10)}")
        return json.loads(line)

    def close(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(3)
        except subprocess.TimeoutExpired:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(10)
        self._process.stdout.close()
