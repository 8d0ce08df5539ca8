"""A driver process: a question a line in, an answer a line out, both JSON. What is timed runs there, away from pytest and rich."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from tongban_local.checkout import ROOT


class Line:
    """`python -m <module>` with a pipe each way; it ends when its input does, so none outlives the bench.

    `options` are its first line of input: passwords and tokens have no place among arguments, which everybody can read.
    """

    def __init__(self, module: str, options: object) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", module],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

        self._write(options)

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(self, *question: object) -> Any:
        """Raises RuntimeError when the driver ends instead of answering."""
        self._write(question)
        return self.answer()

    def _write(self, thing: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(thing) + "\n")
        self._process.stdin.flush()

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
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(10)
        self._process.stdout.close()
