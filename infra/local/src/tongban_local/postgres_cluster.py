"""One PostgreSQL cluster as a child process, from Debian's package without its service."""

from __future__ import annotations

import re
import secrets
import signal
import subprocess
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psycopg2

from tongban_local.account import own, own_folder, popen_identity
from tongban_local.ports import free_port
from tongban_local.processes import Child, Command, NotReady, plain_environ, wait_until

SUPERUSER = "postgres"


def programs() -> Path:
    """The folder of the newest installed server."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[4]))
    if not found:
        raise NotReady("PostgreSQL is not installed: run `make up`, which installs it")
    return found[-1].parent


@dataclass
class Postgres:
    """A cluster whose files are all below `folder`, listening on `host` only. Passwords everywhere, scram only."""

    folder: Path
    host: str
    port: int
    mark: Path | None = None
    durable: bool = True  # False only where a test asks for nothing but rights and SQL

    @classmethod
    def create(cls, folder: Path, host: str, *, mark: Path | None = None, durable: bool = True) -> Postgres:
        return cls(folder, host, free_port(host), mark, durable)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def password(self) -> str:
        """The superuser's, made with the cluster."""
        return (self.folder / "superuser").read_text()

    def write(self, access: Sequence[str] = ()) -> None:
        """Makes the cluster if it is not there. `access`: lines of pg_hba.conf, the superuser's is always first."""
        own_folder(self.folder)
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        lines = [f"host all {SUPERUSER} 127.0.0.0/8 scram-sha-256", *access]
        (self.data / "pg_hba.conf").write_text("\n".join(lines) + "\n")
        own(self.data / "pg_hba.conf")

    def _initialise(self) -> None:
        secret = self.folder / "superuser"
        secret.write_text(secrets.token_urlsafe(32))
        secret.chmod(0o600)
        own(secret)
        argv = [programs() / "initdb", "-D", self.data, "-U", SUPERUSER, "--pwfile", secret, "-A", "scram-sha-256"]
        done = subprocess.run(
            [*map(str, argv), "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"],
            env=plain_environ(self.folder, self.mark or self.folder), cwd=self.folder, check=False,
            capture_output=True, text=True, **popen_identity(),
        )  # fmt: skip
        if done.returncode:
            raise NotReady(f"initdb failed: {done.stderr.strip()}")

    def command(self) -> Command:
        settings = {
            "listen_addresses": self.host,
            "port": self.port,
            "unix_socket_directories": "",
            "max_connections": 300,
            "shared_buffers": "64MB",
            "password_encryption": "scram-sha-256",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "idle_in_transaction_session_timeout": "60s",
            "fsync": "on" if self.durable else "off",
            "log_min_error_statement": "panic",  # a statement holds values, and values are people's
        }
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        argv = (str(programs() / "postgres"), "-D", str(self.data), *options)
        environ = plain_environ(self.folder, self.mark or self.folder)
        return Command("database", argv, environ, self.folder, stop_signal=signal.SIGINT, stop_wait_s=30)

    def start(self) -> None:
        self._child = Child(self.command(), self.folder / "postgres.log")

    def wait_ready(self, timeout_s: float = 90) -> None:
        child = getattr(self, "_child", None)
        died = (lambda: child.returncode() is not None) if child else (lambda: False)
        wait_until(self._answers, f"PostgreSQL ({self.folder / 'postgres.log'})", timeout_s, died)

    def _answers(self) -> bool:
        try:
            self.execute("SELECT 1")
        except psycopg2.OperationalError:
            return False
        return True

    def stop(self) -> None:
        self._child.stop()

    def kill(self) -> None:
        self._child.kill()

    def execute(self, *statements: str, database: str = "postgres") -> None:
        """Runs each statement as the superuser, outside a transaction."""
        parameters = {"host": self.host, "port": self.port, "user": SUPERUSER, "password": self.password}
        with closing(psycopg2.connect(dbname=database, connect_timeout=5, **parameters)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)

    def databases(self) -> set[str]:
        """The names of the databases in it."""
        parameters = {"host": self.host, "port": self.port, "user": SUPERUSER, "password": self.password}
        with closing(psycopg2.connect(dbname="postgres", **parameters)) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT datname FROM pg_database WHERE NOT datistemplate")
            return {name for (name,) in cursor.fetchall()}

    def url(self, database: str, user: str, password: str) -> str:
        """As services read it: `postgresql+psycopg2://…`."""
        assert re.fullmatch(r"[A-Za-z0-9_-]+", password), "passwords are made so that they need no quoting"
        return f"postgresql+psycopg2://{user}:{password}@{self.host}:{self.port}/{database}"
