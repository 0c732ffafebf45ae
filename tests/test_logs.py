"""Every line that a process says is one JSON object, whoever says it and however it ends."""

import os
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import pytest

pytestmark = pytest.mark.e2e

PATIENCE_S = 60


@dataclass(frozen=True)
class Said:
    """What a process has said on standard error, and how it ended."""

    code: int
    lines: list[dict[str, Any]]
    out: str

    def of(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["event"] == event]


def run(script: str, level: str = "info") -> Said:
    """Run a few lines in a process of their own, its logs configured. A line that is no JSON
    object fails the test.
    """
    begin = f"from jackfield.logs import configure_logs\nconfigure_logs({level!r})\n"
    ended = subprocess.run(
        [sys.executable, "-c", begin + textwrap.dedent(script)],
        capture_output=True,
        timeout=PATIENCE_S,
        env={**os.environ, "PYTHONWARNINGS": "default"},
        check=False,
    )
    assert b"\\u001b" not in ended.stderr  # colours are for terminals
    lines = [msgspec.json.decode(line) for line in ended.stderr.decode().splitlines()]
    assert all(isinstance(line, dict) for line in lines)
    assert all({"event", "level", "at", "logger"} <= line.keys() for line in lines), lines
    assert all(datetime.fromisoformat(line["at"]).tzinfo for line in lines)
    return Said(ended.returncode, lines, ended.stdout.decode())


def test_our_own_lines_are_an_event_and_fields() -> None:
    """So that a query over a month of logs needs no regular expression."""
    said = run(
        """
        import structlog
        log = structlog.get_logger("jackfield.test")
        log.info("presence.set", extension="0204", ms=412, name="Zoë ☎")
        log.debug("not.shown")
        with structlog.contextvars.bound_contextvars(run="7"):
            log.warning("people.late")
        """
    )

    first, second = said.lines
    assert {**first, "at": ""} == {
        "event": "presence.set",
        "level": "info",
        "logger": "jackfield.test",
        "extension": "0204",
        "ms": 412,
        "name": "Zoë ☎",
        "at": "",
    }
    assert (second["event"], second["run"], second["level"]) == ("people.late", "7", "warning")
    assert (said.code, said.out) == (0, "")


def test_libraries_speak_the_same_way() -> None:
    """Their arguments are filled in, their extra fields are fields."""
    said = run(
        """
        import logging
        log = logging.getLogger("some.library")
        log.info("read %d of %s", 3, "users", extra={"table": "person"})
        log.error("line\\nbreak and \\"quotes\\"")
        """
    )

    assert said.lines[0]["event"] == "read 3 of users"
    assert said.lines[0]["table"] == "person"
    assert said.lines[1]["event"] == 'line\nbreak and "quotes"'


def test_uvicorn_speaks_the_same_way() -> None:
    """The web server is the loudest library; it is started as `app.py` starts it."""
    said = run(
        """
        import asyncio, uvicorn

        async def app(scope, receive, send):
            if scope["type"] == "lifespan":
                await receive()
                await send({"type": "lifespan.startup.complete"})
                await receive()
                await send({"type": "lifespan.shutdown.complete"})
                return
            raise RuntimeError("broken handler")

        async def main():
            config = uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None)
            server = uvicorn.Server(config)
            serving = asyncio.create_task(server.serve())
            while not server.started:
                await asyncio.sleep(0.01)
            port = server.servers[0].sockets[0].getsockname()[1]
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET / HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n")
            await reader.read()
            writer.close()
            server.should_exit = True
            await serving

        asyncio.run(main())
        """
    )

    loggers = {line["logger"] for line in said.lines}
    assert "uvicorn.error" in loggers
    (fault,) = [line for line in said.lines if "exception" in line]
    assert "RuntimeError: broken handler" in fault["exception"]
    assert said.code == 0


def test_a_warning_is_a_line() -> None:
    """Python's own way of printing them would break whoever reads JSON."""
    said = run(
        """
        import warnings
        warnings.warn("this will go away", DeprecationWarning)
        """
    )

    (line,) = said.lines
    assert line["logger"] == "py.warnings"
    assert "this will go away" in line["event"]


def test_an_uncaught_error_is_a_line_and_a_failure() -> None:
    """The last thing a process says is the most important one."""
    said = run(
        """
        def inner():
            raise ValueError("the cause")
        inner()
        """
    )

    (line,) = said.of("process.died")
    assert said.code == 1
    assert (line["level"], line["logger"]) == ("critical", "jackfield")
    assert "ValueError: the cause" in line["exception"]
    assert "in inner" in line["exception"]


def test_a_dead_thread_is_a_line() -> None:
    """Nobody else would notice."""
    said = run(
        """
        import threading
        def work():
            raise ValueError("in a thread")
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        """
    )

    (line,) = said.of("thread.died")
    assert said.code == 0
    assert line["level"] == "error"
    assert "ValueError: in a thread" in line["exception"]


def test_a_task_that_nobody_awaits_is_a_line() -> None:
    """asyncio tells it when the task is forgotten; that too is JSON."""
    said = run(
        """
        import asyncio, gc
        async def work():
            raise ValueError("in a task")
        async def main():
            task = asyncio.create_task(work())
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            del task
            gc.collect()
        asyncio.run(main())
        """
    )

    (line,) = said.lines
    assert line["event"].startswith("Task exception was never retrieved")
    assert "ValueError: in a task" in line["exception"]


def test_ctrl_c_is_no_fault() -> None:
    """Somebody pressed it; there is nothing to find out."""
    script = "from jackfield.logs import configure_logs; configure_logs('info')"
    ended = subprocess.run(
        [sys.executable, "-c", f"{script}; raise KeyboardInterrupt"],
        capture_output=True,
        timeout=PATIENCE_S,
        check=False,
    )

    assert b"process.died" not in ended.stderr
    assert b"KeyboardInterrupt" in ended.stderr


def test_an_error_shows_where_and_no_values() -> None:
    """Tokens and names stand in variables, and logs are sent to strangers."""
    said = run(
        """
        import structlog
        def inner(token):
            raise ValueError("the cause")
        try:
            inner("jackfield_0_very-secret-value")
        except ValueError:
            structlog.get_logger("jackfield").exception("task.failed")
        """
    )

    (line,) = said.of("task.failed")
    assert "in inner" in line["exception"]
    assert "very-secret-value" not in str(line)


@pytest.mark.parametrize(
    ("level", "shown"),
    [
        ("debug", ["debug", "info", "warning", "error"]),
        ("INFO", ["info", "warning", "error"]),
        ("warning", ["warning", "error"]),
        ("error", ["error"]),
    ],
)
def test_the_level_is_a_floor(level: str, shown: list[str]) -> None:
    """Spelled in any case."""
    said = run(
        """
        import logging
        for level in ("debug", "info", "warning", "error"):
            getattr(logging.getLogger("jackfield.test"), level)("said")
        """,
        level,
    )

    assert [line["level"] for line in said.lines] == shown


@pytest.mark.parametrize("name", ["dbos", "alembic", "aiosqlite", "asyncio"])
def test_chatty_libraries_are_heard_from_warnings_on(name: str) -> None:
    """At debug, too: their chatter would drown ours. Each line is said once."""
    said = run(
        f"""
        import logging
        logging.getLogger({name!r}).info("chatter")
        logging.getLogger({name!r}).warning("trouble")
        """,
        "debug",
    )

    assert [line["event"] for line in said.lines if line["logger"] == name] == ["trouble"]


def test_setting_up_twice_says_everything_once() -> None:
    """The demo sets up what `serve` sets up again."""
    said = run(
        """
        import logging
        configure_logs("info")
        logging.getLogger("jackfield").info("once")
        logging.getLogger("dbos").warning("once")
        """
    )

    assert len(said.of("once")) == 2


def test_a_run_of_the_clockwork_is_named() -> None:
    """DBOS marks its lines with the id of the run; it is called `flow` as everywhere else."""
    said = run(
        """
        import logging
        extra = {"operationUUID": "people.sync:people:1:ab"}
        logging.getLogger("dbos").warning("slow", extra=extra)
        """
    )

    (line,) = said.lines
    assert line["flow"] == "people.sync:people:1:ab"
    assert "operationUUID" not in line


def test_what_cannot_be_json_is_shown_all_the_same() -> None:
    """A line is never lost because of what is in it."""
    said = run(
        """
        import structlog, datetime, pathlib
        structlog.get_logger("jackfield").info(
            "odd",
            moment=datetime.datetime(2026, 11, 23, tzinfo=datetime.UTC),
            path=pathlib.Path("/x"),
            raw=b"\\xff",
            text="\\x00\\u202e\\n",
            several={"a", "b"},
        )
        """
    )

    (line,) = said.of("odd")
    assert "2026" in line["moment"]
    assert line["text"] == "\x00\u202e\n"
    assert line.keys() >= {"path", "raw", "several"}


@pytest.mark.parametrize("locale", ["C", "C.UTF-8", "de_DE.ISO-8859-1"])
def test_whatever_the_locale_the_lines_are_utf8(
    locale: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service is often started with none, and a file name may hold half a character."""
    monkeypatch.setenv("LC_ALL", locale)
    monkeypatch.setenv("PYTHONIOENCODING", "latin-1")

    said = run(
        """
        import logging
        logging.getLogger("jackfield").info("Zoë ☎")
        logging.getLogger("jackfield").info("odd \\ud800 name")
        """
    )

    assert [line["event"] for line in said.lines] == ["Zoë ☎", "odd ? name"]
