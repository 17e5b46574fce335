"""The processes of a run as the director holds them: started, asked how they ended, and ended for good."""

import multiprocessing
import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from multiprocessing import forkserver, resource_tracker, util
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from nodes.problems import ConfigurationError, Problem

CONTEXT = multiprocessing.get_context("forkserver")
"""Our processes are forked from one that has imported everything: twenty of them start in the time of one."""
DEAF_TO = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LONGEST_FOLDER = 70
"""Bytes of the path of the temporary folder: sockets are files some 32 bytes below it, and may have 103 on macOS."""
SHORT_FOLDERS = ("/tmp", "/var/tmp")


def prepare() -> None:
    """Start the process from which the others are forked. It is deaf to Ctrl-C and to SIGTERM, as they all are.

    Whoever ends a run tells a whole group of processes, and it is the director's to end them in order.
    """
    _put_sockets_where_they_fit()
    CONTEXT.set_forkserver_preload(["nodes.main", "nodes.live.station_process", "nodes.live.monitor_process"])
    # Blocked and not ignored: what comes meanwhile is not lost, and those that are started inherit it.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, DEAF_TO)
    try:
        resource_tracker.ensure_running()
        signal.pthread_sigmask(signal.SIG_BLOCK, DEAF_TO)  # that has let some of them in again
        forkserver.ensure_running()
    except OSError as error:
        if "path too long" not in str(error):
            raise
        expected = "its path is too long for the sockets between processes: set it to a shorter one"
        raise ConfigurationError([Problem("TMPDIR", "", tempfile.gettempdir(), expected)]) from None
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _put_sockets_where_they_fit() -> None:
    """Let `multiprocessing` make its folder for sockets elsewhere if $TMPDIR is too long, as newer Pythons do.

    Where nothing else can be written to, or the folder has been made before, all stays as it is.
    """
    before = tempfile.tempdir
    if len(os.fsencode(tempfile.gettempdir())) > LONGEST_FOLDER:
        try:
            tempfile.tempdir = next((f for f in SHORT_FOLDERS if os.access(f, os.W_OK | os.X_OK)), before)
            util.get_temp_dir()  # remembers it, and removes it when this process ends
        finally:
            tempfile.tempdir = before


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
        self.control, theirs = CONTEXT.Pipe()
        self._process = CONTEXT.Process(target=self.main, args=(theirs, *arguments), name=self.name)
        self._process.start()
        self.closed = False
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
        if self._code is None and not self.closed:
            self._code = self._process.exitcode
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
        with self.log.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - 4096))
            lines = log.read().decode(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "")
