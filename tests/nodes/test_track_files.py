"""Track files: what rows come out of them, and broken files told with everything that is wrong."""

import math
from pathlib import Path

import pytest

from nodes.track_files import Row, RowProblem, TrackError, read_rows

HEADER = "timestamp,icao24,callsign,latitude,longitude,altitude,groundspeed,track,vertical_rate,squawk"
NOON_NS = 1_633_608_000 * 10**9
"""2021-10-07T12:00:00Z."""
GOOD = [
    f"2021-10-07T12:00:{second:02}+00:00,abc123,TEST1,{48 + second * 0.002:.5f},2.00000,10000,,,,"
    for second in range(0, 30, 2)
]


def written(folder: Path, lines: list[str], header: str = HEADER) -> Path:
    path = folder / "track.csv"
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


def changed(line: int, old: str, new: str) -> list[str]:
    """The good lines with a change in one; line 2 is the first row."""
    other = GOOD[line - 2].replace(old, new, 1)
    assert other != GOOD[line - 2]
    return [*GOOD[: line - 2], other, *GOOD[line - 1 :]]


class TestReading:
    def test_every_row_in_the_order_of_the_file(self, tmp_path: Path) -> None:
        rows = read_rows(written(tmp_path, GOOD))
        assert [row.line for row in rows] == list(range(2, 17))
        assert rows[1] == Row(3, NOON_NS + 2 * 10**9, "abc123", "TEST1", 48.004, 2.0, 10_000.0)
        assert all(row.has_position for row in rows)

    def test_only_five_columns_in_any_order_after_a_byte_order_mark(self, tmp_path: Path) -> None:
        path = written(
            tmp_path,
            ["10000,2.0,48.5,ABC123,2021-10-07 12:00:00Z"],
            "\ufeffaltitude,longitude,latitude,icao24,timestamp",
        )
        assert read_rows(path) == [Row(2, NOON_NS, "abc123", "", 48.5, 2.0, 10_000.0)]

    def test_instants_of_another_zone_and_parts_of_a_second(self, tmp_path: Path) -> None:
        path = written(tmp_path, changed(2, "T12:00:00+00:00", "T14:00:00.250+02:00"))
        assert read_rows(path)[0].at_ns == NOON_NS + 250_000_000

    @pytest.mark.parametrize(
        ("old", "new", "column"),
        [
            (",48.00400,", ",,", "latitude_deg"),
            (",2.00000,", ", ,", "longitude_deg"),
            (",10000,", ",,", "altitude_ft"),
        ],
    )
    def test_an_empty_cell_of_the_position_is_no_mistake(self, tmp_path: Path, old: str, new: str, column: str) -> None:
        rows = read_rows(written(tmp_path, changed(3, old, new)))
        assert [row.line for row in rows if not row.has_position] == [3]
        assert math.isnan(getattr(rows[1], column))

    def test_a_row_without_a_position_may_be_wrong_otherwise(self, tmp_path: Path) -> None:
        with pytest.raises(TrackError) as caught:
            read_rows(written(tmp_path, changed(3, ",48.00400,2.00000,10000,", ",,,ground,")))
        assert [problem.column for problem in caught.value.problems] == ["altitude"]


class TestBroken:
    @pytest.mark.parametrize(
        ("lines", "line", "column", "found"),
        [
            (changed(3, "2021-10-07T12:00:02+00:00", "yesterday"), 3, "timestamp", "'yesterday'"),
            (changed(3, "+00:00", ""), 3, "timestamp", "'2021-10-07T12:00:02'"),
            (changed(3, "2021-10-07T12:00:02+00:00", ""), 3, "timestamp", "''"),
            (changed(4, "abc123", ""), 4, "icao24", "''"),
            (changed(4, "abc123", "abc12"), 4, "icao24", "'abc12'"),
            (changed(4, "abc123", "abc12g"), 4, "icao24", "'abc12g'"),
            (changed(5, ",48.01200,", ",85.01200,"), 5, "latitude", "'85.01200'"),
            (changed(5, ",48.01200,", ",nan,"), 5, "latitude", "'nan'"),
            (changed(5, ",48.01200,", ",4_8.0,"), 5, "latitude", "'4_8.0'"),
            (changed(5, ",2.00000,", ",-180.1,"), 5, "longitude", "'-180.1'"),
            (changed(6, ",10000,", ",ground,"), 6, "altitude", "'ground'"),
            (changed(6, ",10000,", ",inf,"), 6, "altitude", "'inf'"),
            (changed(6, ",10000,", ",-2001,"), 6, "altitude", "'-2001'"),
            (changed(7, ",10000,,,,", ",10000,,,"), 7, "row", "fewer fields than the header"),
            (changed(7, ",10000,,,,", ",10000,,,,,"), 7, "row", "more fields than the header"),
            (changed(7, "TEST1", '"TEST1" x'), 7, "row", "',' expected after '\"'"),
            ([], 1, "row", "no rows"),
        ],
    )
    def test_one_wrong_row(self, tmp_path: Path, lines: list[str], line: int, column: str, found: str) -> None:
        path = written(tmp_path, lines)
        with pytest.raises(TrackError) as caught:
            read_rows(path)
        assert [problem[:3] for problem in caught.value.problems] == [(line, column, found)]
        text = str(caught.value)
        assert text.startswith(f"{path}: 1 problem\n  line {line}, {column}: found {found}, expected ")

    def test_every_problem_at_once_and_twenty_shown(self, tmp_path: Path) -> None:
        lines = [line.replace(",48.", ",x48.").replace("T12", "T32") for line in GOOD]
        with pytest.raises(TrackError) as caught:
            read_rows(written(tmp_path, lines))
        assert len(caught.value.problems) == 30
        assert caught.value.problems[1] == RowProblem(2, "latitude", "'x48.00000'", "degrees from -85 to 85")
        shown = str(caught.value).splitlines()
        assert (len(shown), shown[-1]) == (22, "  and 10 more")

    @pytest.mark.parametrize(
        ("header", "column", "found"),
        [
            (HEADER.replace("icao24", "hex"), "icao24", "no such column"),
            (HEADER.replace("callsign", "altitude"), "altitude", "the column twice"),
        ],
    )
    def test_a_wrong_header(self, tmp_path: Path, header: str, column: str, found: str) -> None:
        with pytest.raises(TrackError) as caught:
            read_rows(written(tmp_path, GOOD, header))
        assert [problem[:3] for problem in caught.value.problems] == [(1, column, found)]

    def test_an_empty_file_has_no_column_at_all(self, tmp_path: Path) -> None:
        (tmp_path / "empty.csv").write_text("")
        with pytest.raises(TrackError) as caught:
            read_rows(tmp_path / "empty.csv")
        assert [problem.column for problem in caught.value.problems] == [
            "timestamp",
            "icao24",
            "latitude",
            "longitude",
            "altitude",
        ]

    def test_no_file(self, tmp_path: Path) -> None:
        with pytest.raises(TrackError, match="line 0, file: found No such file"):
            read_rows(tmp_path / "none.csv")

    def test_no_text(self, tmp_path: Path) -> None:
        (tmp_path / "bytes.csv").write_bytes(HEADER.encode() + b"\n\xff\xfe\n")
        with pytest.raises(TrackError, match="found byte 0xff, expected text in UTF-8"):
            read_rows(tmp_path / "bytes.csv")
