"""The processes of a run as the director holds them: started, asked how they ended, and ended for good."""

import multiprocessing
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

CONTEXT = multiprocessing.get_context("forkserver")
"""Our processes are forked from one that has imported everything: twenty of them start in the time of one."""


def prepare() -> None:
    """Start the process from which the others are forked, deaf to Ctrl-C, as they all are."""
    CONTEXT.set_forkserver_preload(["nodes.main", "nodes.live.station_process", "nodes.live.monitor_process"])
    if threading.current_thread() is not threading.main_thread():
        forkserver.ensure_running()
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        forkserver.ensure_running()
    finally:
        signal.signal(signal.SIGINT, before)


def how_it_ended(code: int) -> str:
    """An exit code in words; negative ones are signals, as in `subprocess`."""
    if code >= 0:
        return f"ended with exit status {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"


class Child:
    """A process of ours. `stations` are those that it runs; `starts` counts how often it was started."""

    def __init__(self, name: str, stations: Sequence[int], main: Callable[..., None], arguments: tuple[Any, ...]):
        self.name, self.stations = name, list(stations)
        self.starts = 0
        self.main, self._arguments = main, arguments
        self.start()

    def start(self, arguments: tuple[Any, ...] | None = None) -> None:
        """Start it, the first time or again."""
        self._arguments = arguments or self._arguments
        self.starts += 1
        self._why = ""
        self.control, theirs = CONTEXT.Pipe()
        self._process = CONTEXT.Process(target=self.main, args=(theirs, *self._arguments), name=self.name)
        self._process.start()
        theirs.close()

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._process.pid or 0

    def waitable(self) -> list[Connection | int]:
        """What `multiprocessing.connection.wait` can wait on: what it says, and its end."""
        return [self.control, self._process.sentinel]

    def ended(self) -> int | None:
        """Its exit code, once it has ended."""
        return self._process.exitcode

    def say(self, *words: Any) -> None:
        """Tell it something; one that is gone does not hear it."""
        try:
            self.control.send(words)
        except OSError:
            return

    def kill(self, why: str = "") -> None:
        """End it at once, even if it was stopped; returns when it is gone. `why` stands in for the signal."""
        self._why = why
        self._process.kill()
        self._process.join()

    def how_it_ended(self) -> str:
        """How, or why it was killed."""
        return self._why or how_it_ended(self._process.exitcode or 0)

    def close(self) -> None:
        """Let go of what is left of an ended process."""
        self.control.close()
        self._process.join()
        self._process.close()


class Command:
    """A program of the user's that flies a station. What it writes goes to a file."""

    def __init__(
        self, name: str, station: int, command: Sequence[str], folder: Path, log: Path, more: Mapping[str, str]
    ):
        self.name, self.stations, self.log = name, [station], log
        self.starts = 0
        self._command, self._folder, self._environment = command, folder, {**os.environ, **more}
        self.start()

    def start(self) -> None:
        """Start it, the first time or again. Raises OSError."""
        self.starts += 1
        self._why = ""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._process.pid

    def ended(self) -> int | None:
        """Its exit code, once it has ended; then what it has started itself is ended too."""
        if self._process.returncode is None:
            # looked at without being reaped: as long as it is there, its group is nobody else's
            if os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                return None
            self.kill()
        return self._process.returncode

    def kill(self, why: str = "") -> None:
        """End it at once, with everything that it has started. `why` stands in for the signal."""
        self._why = why
        if self._process.returncode is None:
            os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()

    def how_it_ended(self) -> str:
        """How, or why it was killed."""
        return self._why or how_it_ended(self._process.returncode)

    def last_words(self) -> str:
        """The last line that it wrote."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "")
