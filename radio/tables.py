"""Small CSV files, and everything that is wrong in them: what the reading of antennas, curves and matrices shares."""

import csv
import math
from collections.abc import Sequence
from typing import NamedTuple

_SHOWN = 20


class Flaw(NamedTuple):
    """One thing wrong in a file. The first line is line 1; what is wrong with the whole file has line 0."""

    line: int
    column: str
    found: str
    expected: str


class TableError(ValueError):
    """A file that cannot be used, with everything that is wrong in it (the text shows the first 20)."""

    def __init__(self, flaws: Sequence[Flaw]) -> None:
        self.flaws = tuple(flaws)
        lines = [
            f"line {line}, {column}: found {found}, expected {expected}" for line, column, found, expected in flaws
        ]
        super().__init__("\n".join(lines[:_SHOWN]))


class Table:
    """The rows of a CSV file with their lines, cells stripped, empty lines left out; flaws are collected."""

    def __init__(self, text: str) -> None:
        """Raises TableError for text that is no CSV, or has no rows."""
        self.rows: list[tuple[int, list[str]]] = []
        self._flaws: list[Flaw] = []
        reader = csv.reader(text.splitlines(keepends=True), strict=True)
        try:
            for cells in reader:
                if cells:
                    self.rows.append((reader.line_num, [cell.strip() for cell in cells]))
        except csv.Error as error:
            raise TableError([Flaw(reader.line_num, "row", str(error), "well-formed CSV")]) from None
        if not self.rows:
            raise TableError([Flaw(0, "file", "no rows", "a CSV file")])

    def wrong(self, line: int, column: str, found: str, expected: str) -> None:
        """Note a flaw."""
        self._flaws.append(Flaw(line, column, found, expected))

    def number(self, line: int, column: str, cell: str, within: tuple[float, float], unit: str) -> float:
        """The number in a cell; NaN, and a flaw, if it is none or out of bounds."""
        low, high = within
        try:
            value = math.nan if "_" in cell else float(cell)  # Python's own notation is no CSV
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            self.wrong(line, column, repr(cell), f"{unit} from {low:g} to {high:g}")
            return math.nan
        return value

    def check_length(self, line: int, cells: Sequence[str], wanted: int) -> bool:
        """Whether a row has as many cells as it must; else a flaw."""
        if len(cells) != wanted:
            self.wrong(line, "row", f"{len(cells)} cells", f"{wanted} cells")
        return len(cells) == wanted

    def done(self) -> None:
        """Raises TableError if there were flaws."""
        if self._flaws:
            raise TableError(sorted(self._flaws, key=_by_line))


def _by_line(flaw: Flaw) -> int:
    return flaw.line
