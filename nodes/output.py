"""The folder that a run or a check writes its results to."""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from nodes.problems import ConfigurationError, Problem


class OutputFolder:
    """A folder of results. It must not exist, or `force` must be given: nothing is overwritten by accident.

    Without a folder (`path` None) nothing is written. Raises ConfigurationError.
    """

    def __init__(self, path: Path | None, force: bool):
        self.path = path
        self._made = path is not None and not path.exists()
        if path is None:
            return
        if path.exists() and not force:
            raise ConfigurationError(
                [Problem(str(path), "", "", "exists; give another --output, or --force to overwrite")]
            )
        try:
            path.mkdir(parents=True, exist_ok=True)
            for name in ("report.json", "report.txt"):  # else an old report would lie beside a run that broke off
                (path / name).unlink(missing_ok=True)
        except OSError as error:
            raise ConfigurationError([Problem(str(path), "", "", f"cannot be made: {error.strerror}")]) from None

    def discard(self, names: Iterable[str]) -> None:
        """Nothing came of it: remove these files, and the folder if it was made for this and nothing else is in it."""
        if self.path is None or not self._made:
            return
        for name in names:
            with suppress(OSError):
                (self.path / name).unlink(missing_ok=True)
        with suppress(OSError):  # not empty
            self.path.rmdir()

    def write(self, name: str, data: bytes) -> None:
        """Write one whole file."""
        if self.path is not None:
            (self.path / name).write_bytes(data)

    def open(self, name: str) -> BinaryIO | None:
        """Open one file to be written as the run goes, readable too; None without a folder."""
        return (self.path / name).open("w+b") if self.path is not None else None
