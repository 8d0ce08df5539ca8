"""`python -m tongban_local.guard FOLDER`: ends what belongs to a test's environment once the test run is gone.

Its input is a pipe from the test run: however that ends, Ctrl-C or SIGKILL, the pipe closes, and nothing is left behind.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

from tongban_local.processes import end_all


class Guard:
    """Watches over `folder` for as long as this process lives; `release` ends what is left there and the folder too."""

    def __init__(self, folder: Path) -> None:
        argv = [sys.executable, "-m", "tongban_local.guard", str(folder)]
        self._popen = subprocess.Popen(argv, stdin=subprocess.PIPE, start_new_session=True, cwd="/")

    def release(self) -> None:
        assert self._popen.stdin is not None
        self._popen.stdin.close()
        self._popen.wait(60)


def main(folder: Path) -> int:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.stdin.buffer.read()
    left = end_all(folder, grace_s=15)
    shutil.rmtree(folder, ignore_errors=True)
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
