"""The command's standard streams and signals, made so that they cannot change its exit code."""

import io
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

ENDING = (signal.SIGTERM, signal.SIGHUP)
"""What ends a command as Ctrl-C does; SIGHUP only if whoever started it does not ignore it (nohup)."""


class _Unread(io.FileIO):
    """A file whose reader may be gone, or which may be full: what it does not take is lost."""

    def write(self, data: Any, /) -> int:
        written: int | None = None  # so it is, too, where a full pipe is not to be waited for
        with suppress(OSError):
            written = super().write(data)
        return len(data) if written is None else written


def open_streams() -> None:
    """Replace those that were closed, and let errors of stderr be nobody's: what it says is no result."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free, which a recording would have got
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w", closefd=False)
    stderr = io.BufferedWriter(_Unread(2, "w", closefd=False))
    sys.stderr = io.TextIOWrapper(stderr, errors="backslashreplace", line_buffering=True)


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Let signals that end a process end it as Ctrl-C does, so that it tidies up; afterwards, let none of them."""
    minded = [n for n in ENDING if signal.getsignal(n) is not signal.SIG_IGN]
    for number in minded:
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number in (signal.SIGINT, *minded):
            signal.signal(number, signal.SIG_IGN)
