"""The processes of a run as the director holds them: started, asked how they ended, and ended for good."""

import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from nodes.live import forking
from nodes.live.forking import CONTEXT

MOST_TRIES = 3
"""To fork a process, should the one that forks them die meanwhile."""
TOLD_S = 0.3
"""How long the end of a process that was killed takes to be told, before somebody must have stopped the one to tell."""


def how_it_ended(code: int) -> str:
    """An exit code in words; negative ones are signals, as in `subprocess`."""
    if code >= 0:
        return f"ended with exit status {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"


class Child:
    """A process of ours. `stations` are those that it runs; `starts` counts how often it was started.

    It is `closed` before it is started, and after that when nothing is left of it.
    """

    def __init__(self, name: str, stations: Sequence[int], main: Callable[..., None]):
        self.name, self.stations, self.main = name, list(stations), main
        self.starts, self.closed = 0, True
        self.why = ""
        """Stands in for how it ended."""
        self._code: int | None = None

    def start(self, *arguments: Any) -> None:
        """Start it, the first time or again."""
        self.starts += 1
        self.why, self._code = "", None
        for tries_left in reversed(range(MOST_TRIES)):
            self.control, theirs = CONTEXT.Pipe()
            self._process = CONTEXT.Process(target=self.main, args=(theirs, *arguments), name=self.name)
            try:
                forking.prepare()
                with forking.kept_awake():
                    self._process.start()
                break
            except (EOFError, ConnectionError):
                self.control.close()
                if not tries_left:
                    raise
            finally:
                theirs.close()
        self.closed = False

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._process.pid or 0

    def waitable(self) -> list[Connection | int]:
        """What `multiprocessing.connection.wait` can wait on: what it says, and its end."""
        return [self.control, self._process.sentinel]

    def ended(self) -> int | None:
        """Its exit code, once it has ended."""
        if self._code is None and not self.closed:
            self._code = self._process.exitcode
            if self._code == forking.ORPHANED and forking.end_orphan(self.pid):
                self.why = "lost the process that it was forked from, and was killed"
        return self._code

    def say(self, *words: Any) -> None:
        """Tell it something; one that is gone does not hear it."""
        if self.closed:
            return
        try:
            self.control.send(words)
        except OSError:
            return

    def kill(self, why: str = "") -> None:
        """End it at once, even if it was stopped; returns when it is gone. `why` stands in for the signal."""
        if not self.closed and self.ended() is None:
            self.why = why
            self._process.kill()
            self._process.join(TOLD_S)
            if self._process.exitcode is None:
                forking.wake()
                self._process.join()

    def how_it_ended(self) -> str:
        """How, or why it was killed."""
        return self.why or how_it_ended(self.ended() or 0)

    def close(self) -> None:
        """Let go of what is left of an ended process."""
        if not self.closed:
            self.ended()
            self.closed = True
            self.control.close()
            self._process.join()
            self._process.close()


class Command:
    """A program of the user's that flies a station. What it writes goes to a file. `killed`: it was we who ended it."""

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
        self._why, self.killed = "", False
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
            if self._runs():
                return None
            self.kill(self._why)
        return self._process.returncode

    def _runs(self) -> bool:
        # looked at without being reaped: as long as it is there, its group is nobody else's
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

    def kill(self, why: str = "") -> None:
        """End it at once, with everything that it has started. `why` stands in for the signal."""
        self._why = why
        if self._process.returncode is None:
            self.killed = self._runs()
            os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()

    def how_it_ended(self) -> str:
        """How, or why it was killed."""
        return self._why or how_it_ended(self._process.returncode)

    def last_words(self) -> str:
        """The last line that it wrote."""
        with self.log.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - 4096))
            lines = log.read().decode(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "")
