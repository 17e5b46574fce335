"""Track files: the rows of a CSV file, each checked, and everything that is wrong with them.

Only the reading of the file lives here; what becomes of the rows is for `nodes.tracks`. Columns, in any order:
timestamp, icao24, latitude, longitude, altitude, and if there callsign; others (groundspeed, track, vertical_rate,
squawk) are not used. The altitude is pressure altitude in feet and is passed on as it is.
"""

import csv
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

COLUMNS = ("timestamp", "icao24", "latitude", "longitude", "altitude")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SHOWN = 20


class RowProblem(NamedTuple):
    """One thing wrong with a track file. Line 0 is the file as a whole; the header is line 1."""

    line: int
    column: str
    found: str
    expected: str


class TrackError(ValueError):
    """A track file that cannot be used, with everything that is wrong with it (the text shows the first 20)."""

    def __init__(self, path: Path, problems: Sequence[RowProblem]) -> None:
        self.path = path
        self.problems = tuple(problems)
        lines = [f"{path}: {len(problems)} problem{'s' if len(problems) > 1 else ''}"]
        lines += [
            f"  line {line}, {column}: found {found}, expected {expected}"
            for line, column, found, expected in self.problems[:_SHOWN]
        ]
        if len(problems) > _SHOWN:
            lines.append(f"  and {len(problems) - _SHOWN} more")
        super().__init__("\n".join(lines))


class Row(NamedTuple):
    """One row of a track file. `at_ns` is UTC; of the position, NaN is what the file leaves empty."""

    line: int
    at_ns: int
    icao24: str
    call_sign: str
    latitude_deg: float
    longitude_deg: float
    altitude_ft: float

    @property
    def has_position(self) -> bool:
        """Whether nothing of its position is missing."""
        return not any(map(math.isnan, (self.latitude_deg, self.longitude_deg, self.altitude_ft)))


def read_rows(path: Path) -> list[Row]:
    """All rows of the file, in its order, or TrackError with all that is wrong with them.

    An empty cell of the position is not wrong: receivers know of aircraft before they know where these are.
    """
    problems: list[RowProblem] = []
    rows: list[Row] = []
    try:
        # Spreadsheets put a byte order mark before the header.
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            try:
                _check_header(path, reader.fieldnames)
                for fields in reader:
                    row = _row(reader.line_num, fields, problems)
                    if row:
                        rows.append(row)
            except csv.Error as error:
                # DictReader's own count has not come to the bad line.
                problems.append(RowProblem(reader.reader.line_num, "row", str(error), "well-formed CSV"))
    except OSError as error:
        problems = [RowProblem(0, "file", str(error.strerror), "a file that can be read")]
    except UnicodeDecodeError as error:
        problems = [RowProblem(0, "file", f"byte {error.object[error.start]:#04x}", "text in UTF-8")]
    if not rows and not problems:
        problems.append(RowProblem(1, "row", "no rows", "a row for each report of an aircraft"))
    if problems:
        raise TrackError(path, problems)
    return rows


def _check_header(path: Path, names: Sequence[str] | None) -> None:
    names = names or ()
    missing = [RowProblem(1, name, "no such column", "a header with it") for name in COLUMNS if name not in names]
    double = [RowProblem(1, name, "the column twice", "it once") for name in COLUMNS if names.count(name) > 1]
    if missing or double:
        raise TrackError(path, missing + double)


def _row(line: int, fields: Mapping[str | None, str | list[str] | None], problems: list[RowProblem]) -> Row | None:
    """One row with its values; None, and the problems noted, where a value is wrong."""
    if None in fields or None in fields.values():
        found = "more fields than the header" if None in fields else "fewer fields than the header"
        problems.append(RowProblem(line, "row", found, "as many"))
        return None
    text = {name: str(value).strip() for name, value in fields.items()}
    before = len(problems)

    def wrong(column: str, expected: str) -> None:
        problems.append(RowProblem(line, column, repr(text[column]), expected))

    def number(column: str, low: float, high: float, unit: str) -> float:
        if not text[column]:
            return math.nan
        try:
            value = math.nan if "_" in text[column] else float(text[column])  # Python's own notation is no CSV
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            wrong(column, f"{unit} from {low:g} to {high:g}")
        return value

    at_ns = _instant(text["timestamp"])
    if at_ns is None:
        wrong("timestamp", "an instant with its zone, such as 2021-10-07T12:40:00Z")
    address = text["icao24"].lower()
    if len(address) != 6 or any(digit not in "0123456789abcdef" for digit in address):
        wrong("icao24", "six hexadecimal digits")
    latitude_deg = number("latitude", -85, 85, "degrees")
    longitude_deg = number("longitude", -180, 180, "degrees")
    altitude_ft = number("altitude", -2000, 150_000, "feet")
    if at_ns is None or len(problems) > before:
        return None
    return Row(line, at_ns, address, text.get("callsign", ""), latitude_deg, longitude_deg, altitude_ft)


def _instant(text: str) -> int | None:
    """Nanoseconds UTC of an ISO 8601 instant; None if it is none or names no zone."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if instant.tzinfo is None else (instant - _EPOCH) // timedelta(microseconds=1) * 1000
