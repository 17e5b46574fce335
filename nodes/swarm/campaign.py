"""Many seeds through an executor, with results in a file that another run can go on with.

A results file has a line of JSON per seed, in the order in which they were done. The last line may be torn: its seed is
flown again.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from pathlib import Path
from typing import Any

from nodes.problems import ConfigurationError, Problem

Result = dict[str, Any]

LOOKS_EVERY_S = 0.2
"""How long Ctrl-C may go unnoticed."""


class Results:
    """What is known of the seeds so far, and the file that keeps it, if there is one. Raises ConfigurationError."""

    def __init__(self, path: Path | None, tool: str):
        self.by_seed: dict[int, Result] = {}
        self._path, self._tool = path, tool
        if path is not None:
            self._read(path)

    def _read(self, path: Path) -> None:
        try:
            with path.open("a+b") as stream:  # makes it, too: that it cannot be written is told before anything flies
                stream.seek(0)
                text = stream.read()
        except OSError as error:
            raise _wrong(path, f"cannot be read and written: {error.strerror}") from None
        *lines, torn = text.split(b"\n")
        for number, line in enumerate(lines, 1):
            try:
                result = json.loads(line)
                seed, tool = int(result["seed"]), str(result["tool"])
            except (ValueError, TypeError, KeyError):
                raise _wrong(path, f"line {number} is no result of a seed; give another file") from None
            if tool != self._tool:
                raise _wrong(path, f"line {number} is by {tool}, this is {self._tool}; give another file")
            self.by_seed[seed] = result
        if torn:
            with path.open("r+b") as stream:
                stream.truncate(len(text) - len(torn))

    def add(self, result: Result) -> None:
        """Keep one more result, in the file, too."""
        line = json.dumps(result, ensure_ascii=False, sort_keys=True)
        self.by_seed[result["seed"]] = json.loads(line)
        if self._path is not None:
            with self._path.open("ab") as stream:
                stream.write(line.encode() + b"\n")


def _wrong(path: Path, expected: str) -> ConfigurationError:
    return ConfigurationError([Problem(str(path), "", "", expected)])


def run(
    work: Callable[..., Result],
    items: Iterable[Sequence[Any]],
    executor: Executor,
    width: int,
    take: Callable[[Result], None],
    interrupted: Sequence[int] = (),
) -> None:
    """Do `work` with each of some arguments, `width` at a time, and take what comes of it as it comes.

    Returns early if somebody interrupts; what was begun is then given up. Raises what the work or the executor raises.
    """
    waiting, running = iter(items), set[Future[Result]]()
    try:
        while not interrupted:
            while len(running) < width and (item := next(waiting, None)) is not None:
                running.add(executor.submit(work, *item))
            if not running:
                return
            done, running = wait(running, LOOKS_EVERY_S, FIRST_COMPLETED)
            for future in done:
                take(future.result())
    finally:
        for future in running:
            future.cancel()
