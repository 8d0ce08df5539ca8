"""The promises of chassis.database, as one program that is run in both worlds: `database_checks.py <world> <url>`.

Writes one line of JSON: for each check "kept", or what went wrong.
"""

# ruff: noqa: E402 -- the world is chosen before anything else is imported

import sys

WORLD, URL = sys.argv[1:3]
if WORLD == "eventlet":
    __import__("chassis.green")

import importlib
import json
import os
import signal
import socket
import threading
import time
import traceback

import psycopg2
import sqlalchemy as sa
from chassis.database import WAKE, WAKE_CHANNEL, Database, frugal, later, pool, waiting
from chassis.errors import Fault, Kind

if WORLD == "threads":
    for name in ("chassis.once", "chassis.outbox", "chassis.sealed"):
        importlib.import_module(name)


def rows(database: Database, statement: str) -> list[tuple]:
    with database.transaction() as connection:
        result = connection.exec_driver_sql(statement)
        return [tuple(row) for row in result] if result.returns_rows else []


def without_effects() -> Database:
    database = Database(URL, pool_size=1)
    rows(database, "DELETE FROM effects")
    return database


def fault_of(database: Database, statement: str) -> Fault:
    try:
        rows(database, statement)
    except Fault as fault:
        return fault
    raise AssertionError(f"no fault from {statement}")


def in_background(function, *arguments) -> threading.Thread:
    thread = threading.Thread(target=function, args=arguments, daemon=True)
    thread.start()
    return thread


def a_web_process_stays_free_of_eventlet() -> None:
    assert (WORLD == "eventlet") == bool({"eventlet", "nameko"} & set(sys.modules))


def a_transaction_commits_or_leaves_nothing() -> None:
    database = Database(URL)
    rows(database, "INSERT INTO effects (number) VALUES ('kept')")
    try:
        with database.transaction() as connection:
            connection.exec_driver_sql("INSERT INTO effects (number) VALUES ('gone')")
            raise KeyError
    except KeyError:
        pass
    assert rows(database, "SELECT number FROM effects") == [("kept",)]


def queries_wait_side_by_side_and_let_others_run() -> None:
    database = Database(URL)
    gaps, last, done = [], time.monotonic(), False

    def tick() -> None:
        nonlocal last
        while not done:
            time.sleep(0.01)
            gaps.append(time.monotonic() - last)
            last = time.monotonic()

    ticking = in_background(tick)
    began = time.monotonic()
    threads = [in_background(rows, database, "SELECT pg_sleep(1)") for _ in range(5)]
    for thread in threads:
        thread.join()
    took, done = time.monotonic() - began, True
    ticking.join()
    assert took < 3, f"five queries of one second took {took:.1f} s"
    assert max(gaps) < 0.7, f"nothing else ran for {max(gaps):.2f} s"


def what_takes_too_long_ends_as_busy() -> None:
    database = Database(URL, statement_timeout_ms=300, lock_timeout_ms=100)
    assert fault_of(database, "SELECT pg_sleep(5)").code == "database.busy"
    with Database(URL).transaction() as other:
        other.exec_driver_sql("LOCK TABLE effects")
        fault = fault_of(database, "INSERT INTO effects (number) VALUES ('x')")
    assert (fault.code, fault.kind) == ("database.busy", Kind.UNAVAILABLE)


def a_pool_with_nothing_left_says_busy() -> None:
    pool.POOL_TIMEOUT_S = 0.3
    database = Database(URL, pool_size=1)
    with database.transaction():
        assert fault_of(database, "SELECT 1").code == "database.busy"
    assert rows(database, "SELECT 1") == [(1,)]


def what_the_caller_did_wrong_passes_unchanged() -> None:
    database = Database(URL)
    try:
        rows(database, "INSERT INTO inbox (handler, source, id) VALUES ('h', 's', 'i'), ('h', 's', 'i')")
    except sa.exc.IntegrityError:
        return
    raise AssertionError("no IntegrityError")


def a_connection_that_died_while_idle_is_replaced_unseen() -> None:
    database = Database(URL)
    ((pid,),) = rows(database, "SELECT pg_backend_pid()")
    time.sleep(pool.CHECK_AFTER_IDLE_S + 0.1)
    os.kill(pid, signal.SIGTERM)
    time.sleep(0.2)
    assert rows(database, "SELECT 1") == [(1,)]


def a_connection_that_dies_under_work_is_a_fault_and_the_next_works() -> None:
    database = Database(URL)
    try:
        with database.transaction() as connection:
            os.kill(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one(), signal.SIGTERM)
            time.sleep(0.2)
            connection.exec_driver_sql("SELECT 1")
    except Fault as fault:
        assert (fault.code, fault.kind) == ("database.unavailable", Kind.UNAVAILABLE)
    else:
        raise AssertionError("no fault")
    assert rows(database, "SELECT 1") == [(1,)]


def a_silent_server_is_given_up() -> None:
    waiting.GRACE_S = 0.5
    database = Database(URL, statement_timeout_ms=500)
    began = time.monotonic()
    try:
        with database.transaction() as connection:
            pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
            os.kill(pid, signal.SIGSTOP)
            connection.exec_driver_sql("SELECT 1")
    except Fault as fault:
        assert fault.code == "database.unavailable"
    else:
        raise AssertionError("no fault")
    finally:
        os.kill(pid, signal.SIGCONT)
    assert time.monotonic() - began < 3
    assert rows(database, "SELECT 1") == [(1,)]


def a_server_that_does_not_let_in_is_given_up() -> None:
    waiting.CONNECT_TIMEOUT_S = 0.5
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        database = Database(f"postgresql://nobody:x@127.0.0.1:{deaf.getsockname()[1]}/nowhere")
        began = time.monotonic()
        assert fault_of(database, "SELECT 1").code == "database.unavailable"
        assert not database.ping()
        assert time.monotonic() - began < 3


def what_is_written_later_is_there_for_the_next_statement_and_after_the_commit() -> None:
    database = without_effects()
    with database.transaction() as connection:
        with later(connection):
            connection.exec_driver_sql("INSERT INTO effects (number) VALUES ('first')")
        assert connection.exec_driver_sql("SELECT number FROM effects").scalar_one() == "first"
        with later(connection):
            connection.exec_driver_sql("INSERT INTO effects (number) VALUES (%s)", ("100 %",))
    assert rows(database, "SELECT number FROM effects ORDER BY number") == [("100 %",), ("first",)]


def a_transaction_with_a_late_write_that_fails_leaves_nothing() -> None:
    database = without_effects()
    twice = "INSERT INTO inbox (handler, source, id) VALUES ('h', 's', 'i'), ('h', 's', 'i')"
    for then in ("", "SELECT 1"):
        try:
            with database.transaction() as connection:
                connection.exec_driver_sql("INSERT INTO effects (number) VALUES ('before')")
                with later(connection):
                    connection.exec_driver_sql(twice)
                    connection.exec_driver_sql("INSERT INTO effects (number) VALUES ('after')")
                if then:
                    connection.exec_driver_sql(then)
        except sa.exc.IntegrityError:
            assert rows(database, "SELECT number FROM effects") == [], "and the connection can be used again"
            continue
        raise AssertionError("no IntegrityError")


def what_was_kept_back_is_dropped_by_a_rollback() -> None:
    database = without_effects()
    try:
        with database.transaction() as connection, later(connection):
            connection.exec_driver_sql("INSERT INTO effects (number) VALUES ('gone')")
            raise KeyError
    except KeyError:
        pass
    with database.transaction() as connection:
        frugal(connection).at_commit(lambda items: ("INSERT INTO effects (number) VALUES (%s)", items), "kept")
    try:
        with database.transaction() as connection:
            frugal(connection).at_commit(lambda items: ("INSERT INTO effects (number) VALUES (%s)", items), "gone")
            raise KeyError
    except KeyError:
        pass
    assert rows(database, "SELECT number FROM effects") == [("kept",)]


def a_transaction_sees_what_was_committed_before_each_of_its_statements() -> None:
    database = without_effects()
    with database.transaction() as connection:
        with later(connection):
            connection.exec_driver_sql("INSERT INTO effects (number) VALUES ('ours')")
        rows(Database(URL), "INSERT INTO effects (number) VALUES ('theirs')")
        found = connection.exec_driver_sql("SELECT number FROM effects ORDER BY 1")
        assert [number for (number,) in found] == ["ours", "theirs"]


def a_transaction_makes_one_trip_for_each_answer_and_one_for_its_commit() -> None:
    database = without_effects()
    rows(database, "SELECT 1")
    trips = 0

    def count(connection) -> None:
        nonlocal trips
        trips += 1
        wait(connection)

    wait = psycopg2.extensions.get_wait_callback()
    psycopg2.extensions.set_wait_callback(count)
    try:
        with database.transaction() as connection:
            connection.exec_driver_sql("SELECT 1")
            with later(connection):
                for number in "abc":
                    connection.exec_driver_sql("INSERT INTO effects (number) VALUES (%s)", (number,))
    finally:
        psycopg2.extensions.set_wait_callback(wait)
    assert trips == 2, f"{trips} trips"
    assert len(rows(database, "SELECT 1 FROM effects")) == 3


def a_commit_wakes_the_own_relay_and_others_only_where_that_cannot_send() -> None:
    database = without_effects()
    ear = psycopg2.connect(URL.replace("+psycopg2", ""))
    ear.autocommit = True
    with ear.cursor() as cursor:
        cursor.execute(f"LISTEN {WAKE_CHANNEL}")
    for can_send in (True, False):
        nudged = []
        database.nudge = lambda can_send=can_send, nudged=nudged: nudged.append(True) or can_send
        with database.transaction() as connection:
            connection.info[WAKE] = True
            assert not nudged, "before the commit nobody is told"
        assert nudged == [True]
        time.sleep(0.2)
        ear.poll()
        assert bool(ear.notifies) != can_send
    ear.close()


def what_is_only_read_is_read_without_a_transaction() -> None:
    database = without_effects()
    with database.reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM effects").scalar_one() == 0
        assert frugal(connection).get_transaction_status() == psycopg2.extensions.TRANSACTION_STATUS_IDLE
        rows(Database(URL), "INSERT INTO effects (number) VALUES ('meanwhile')")
        assert connection.exec_driver_sql("SELECT count(*) FROM effects").scalar_one() == 1
    with database.transaction() as connection:
        connection.exec_driver_sql("SELECT 1")
        assert frugal(connection).get_transaction_status() == psycopg2.extensions.TRANSACTION_STATUS_INTRANS


def a_killed_worker_gives_its_connection_back() -> None:
    if WORLD == "threads":
        return  # nobody can kill a thread
    import eventlet

    pool.POOL_TIMEOUT_S = 1
    database = Database(URL, pool_size=2)
    for _ in range(4):
        worker = eventlet.spawn(rows, database, "SELECT pg_sleep(30)")
        eventlet.sleep(0.1)
        worker.kill()
    assert rows(database, "SELECT 1") == [(1,)]


def outcome(check) -> str:
    limits = pool.POOL_TIMEOUT_S, waiting.GRACE_S, waiting.CONNECT_TIMEOUT_S
    try:
        check()
        return "kept"
    except BaseException:
        return traceback.format_exc()
    finally:
        pool.POOL_TIMEOUT_S, waiting.GRACE_S, waiting.CONNECT_TIMEOUT_S = limits


CHECKS = [value for name, value in list(globals().items()) if name.startswith(("a_", "queries_", "what_"))]
print(json.dumps({check.__name__: outcome(check) for check in CHECKS}))
