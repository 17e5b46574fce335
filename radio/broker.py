"""An embedded broker on loopback, for who has none: amqtt in a process of its own, from the extra `broker`.

Anonymous, at a free port. It may be killed and started again, with its sessions, at the same port. Its process ends
with the one that started it, and nothing is left behind.
"""

import contextlib
import importlib.util
import os
import select
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from radio.broker_address import LineError

START_S = 20.0
END_S = 10.0
KEEP = b"k"
"""Said to the process that is to end, and to keep what it stored."""
MISSING = (
    "the embedded broker is not installed: pip install 'airaccord[broker]', "
    "or name a broker of your own with --broker mqtt://HOST:PORT"
)


class Broker:
    """A broker that is started by `start`, or by `with`. `url` is where, from then on and after each further start."""

    def __init__(self) -> None:
        self._port = 0
        self._state: str | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Such as mqtt://127.0.0.1:40001."""
        return f"mqtt://127.0.0.1:{self._port}"

    @property
    def pid(self) -> int | None:
        """Of its process; None while there is none, as far as is known."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self) -> None:
        """Start it, for the first time or again. Raises LineError if that cannot be done."""
        if self.pid is not None:
            return
        if importlib.util.find_spec("amqtt") is None:
            raise LineError(MISSING)
        self._end_process()
        self._state = self._state or tempfile.mkdtemp(prefix="airaccord-broker-")
        # -P: no folder of the user's may come before ours; a group of its own: Ctrl-C is for who started it
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "radio.broker_process", self._state, str(self._port)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(_places())},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            process_group=0,
        )
        try:
            self._port = self._told_port(self._process)
        except BaseException:
            if not self._port:  # it never ran: there is nothing to keep
                self.close()
            raise

    def kill(self) -> None:
        """End it as `kill -9` does; what it had stored stays."""
        if self._process is not None:
            self._process.kill()
            self._end_process()

    def stop(self) -> None:
        """End it in order; what it had stored stays."""
        self._end_process()

    def close(self) -> None:
        """End it for good, and leave nothing behind."""
        self._end_process()
        if self._state is not None:
            shutil.rmtree(self._state, ignore_errors=True)
            self._state = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _told_port(self, process: "subprocess.Popen[bytes]") -> int:
        assert process.stdout is not None
        readable, _, _ = select.select([process.stdout], [], [], START_S)
        said = process.stdout.readline() if readable else b""
        if said.strip().isdigit():
            return int(said)
        process.kill()
        _, complaint = process.communicate()
        self._process = None
        last = complaint.decode(errors="replace").strip().rpartition("\n")[2] or "it said nothing"
        where = f" at port {self._port}" if self._port else ""
        raise LineError(f"the embedded broker does not start{where}: {last}")

    def _end_process(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        with contextlib.suppress(OSError):
            process.stdin.write(KEEP)
        with contextlib.suppress(OSError):
            process.stdin.close()
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
        process.stderr.close()


def _places() -> list[str]:
    """Where this process finds its modules: our own first."""
    return [str(Path(__file__).resolve().parents[1]), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
