"""Tracks: the shipped file as it must come out, rows that need cleaning, and a flight whose truth is known."""

import math
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from nodes.motion import Kinematics
from nodes.tracks import DroppedRow, Track, TrackError, load_tracks

SHIPPED = Path(__file__).parents[2] / "configs" / "tracks" / "paris-2021-10-07T1240Z.csv"
HEADER = "timestamp,icao24,callsign,latitude,longitude,altitude,groundspeed,track,vertical_rate,squawk"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOON = datetime(2021, 10, 7, 12, tzinfo=UTC)
SECOND_NS = 10**9
G_MPS2 = 9.80665
NM = 1852.0


def ns(clock: str) -> int:
    """The instant of a time of day on the day of the shipped file."""
    return round((datetime.fromisoformat(f"2021-10-07T{clock}+00:00") - EPOCH).total_seconds()) * SECOND_NS


NOON_NS = ns("12:00:00")


def metres(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """Between two places close together: flat earth, good to a part in a thousand."""
    north = (one[0] - other[0]) * 111_220
    return math.hypot(north, (one[1] - other[1]) * 111_530 * math.cos(math.radians((one[0] + other[0]) / 2)))


def peak_g(track: Track, step_ns: int = SECOND_NS // 10) -> tuple[float, float]:
    """The greatest horizontal and vertical acceleration, from differences of the velocity."""
    horizontal, vertical = [0.0], [0.0]
    for piece in track.pieces:
        found = [piece.at(instant) for instant in range(piece.start_ns, piece.end_ns + 1, step_ns)]
        speeds = np.array([place[3:6] for place in found if place])
        rates = np.diff(speeds, axis=0) / (step_ns / 1e9) / G_MPS2
        horizontal.append(float(np.hypot(rates[:, 0], rates[:, 1]).max()))
        vertical.append(float(np.abs(rates[:, 2]).max()))
    return max(horizontal), max(vertical)


class RawRow(NamedTuple):
    line: int
    address: str
    clock: str
    place: tuple[float, float, float]


def raw_rows() -> list[RawRow]:
    """The shipped rows, read without the code under test."""
    table = [line.split(",") for line in SHIPPED.read_text().splitlines()]
    return [
        RawRow(number, row[1], row[0][11:19], (float(row[3]), float(row[4]), float(row[5])))
        for number, row in enumerate(table[1:], 2)
    ]


@pytest.fixture(scope="module")
def shipped() -> dict[str, Track]:
    return load_tracks(SHIPPED)


def place(track: Track, at_ns: int) -> Kinematics:
    found = track.at(at_ns)
    assert found is not None
    return found


class TestShipped:
    def test_eleven_aircraft_in_order_each_in_one_piece(self, shipped: dict[str, Track]) -> None:
        assert list(shipped) == sorted(shipped)
        assert len(shipped) == 11
        assert [len(track.pieces) for track in shipped.values()] == [1] * 11
        assert shipped["3944e7"].call_sign == "AFR23PJ"

    def test_one_row_is_dropped(self, shipped: dict[str, Track]) -> None:
        dropped = [(address, row) for address, track in shipped.items() for row in track.dropped]
        reason = "49.30019, 2.42875, 29375 ft is 281 m and 19300 ft from line 528, 2 s away"
        assert dropped == [("3944e7", DroppedRow(529, reason))]
        assert SHIPPED.read_text().splitlines()[528].startswith("2021-10-07T12:46:22Z,3944e7,AFR23PJ,49.30019")

    def test_there_from_the_first_row_to_the_last(self, shipped: dict[str, Track]) -> None:
        first, last = ns("12:40:10"), ns("12:53:50")
        track = shipped["3944e7"]
        assert track.at(first - 1) is None
        assert track.at(last + 1) is None
        ends = [row.place for row in raw_rows() if row.address == "3944e7" and row.clock in ("12:40:10", "12:53:50")]
        assert metres(place(track, first), ends[0]) < 100
        assert metres(place(track, last), ends[1]) < 100
        assert place(track, first).airborne

    def test_every_aircraft_can_be_flown(self, shipped: dict[str, Track]) -> None:
        for address, track in shipped.items():
            horizontal, vertical = peak_g(track)
            assert horizontal < 0.8, address
            assert vertical < 0.15, address

    def test_the_paths_stay_near_the_rows(self, shipped: dict[str, Track]) -> None:
        unused = {row.line for track in shipped.values() for row in track.dropped}
        unused |= {line for track in shipped.values() for line in track.held_lines}
        away_m, away_ft = [], []
        for row in raw_rows():
            if row.line not in unused:
                found = place(shipped[row.address], ns(row.clock))
                away_m.append(metres(found, row.place))
                away_ft.append(abs(found.altitude_ft - row.place[2]))
        assert max(away_m) < 250
        assert np.percentile(away_m, 95) < 75
        assert max(away_ft) < 60

    @pytest.mark.parametrize("address", ["3944e7", "400804"])
    def test_they_stay_nearer_in_the_breach(self, shipped: dict[str, Track], address: str) -> None:
        rows = [row for row in raw_rows() if row.address == address and "12:45:56" <= row.clock <= "12:46:40"]
        assert len(rows) == 23
        for row in rows:
            found = place(shipped[address], ns(row.clock))
            assert metres(found, row.place) < 100
            assert abs(found.altitude_ft - row.place[2]) < 25 or row.line == 529

    def test_the_breach_of_the_safe_distance(self, shipped: dict[str, Track]) -> None:
        instants = range(ns("12:40:10"), ns("12:53:50"), SECOND_NS // 10)
        pair = [(t, place(shipped["3944e7"], t), place(shipped["400804"], t)) for t in instants]
        apart = [(t, metres(one, other) / NM, abs(one.altitude_ft - other.altitude_ft)) for t, one, other in pair]
        # 850 ft is what is left of 1,000 ft when both altimeters may be 75 ft wrong.
        breach = [(t, nm) for t, nm, ft in apart if nm < 5 and ft < 850]
        assert breach[0][0] == pytest.approx(ns("12:46:09"), abs=1.5 * SECOND_NS)
        assert breach[-1][0] == pytest.approx(ns("12:46:39"), abs=1.0 * SECOND_NS)
        assert len(breach) == (breach[-1][0] - breach[0][0]) // (SECOND_NS // 10) + 1
        assert [nm for _, nm in breach] == sorted(nm for _, nm in breach)
        # Level at 10,000 and 11,000 ft before it: the separation itself, but for a ripple of the smoothing.
        assert min(ft for t, nm, ft in apart if nm < 5 and t < ns("12:45:56")) > 995

    def test_no_other_pair_comes_that_close(self, shipped: dict[str, Track]) -> None:
        close = set()
        for at_ns in range(ns("12:40:00"), ns("12:55:00"), SECOND_NS):
            there = [(address, track.at(at_ns)) for address, track in shipped.items()]
            for (one, a), (other, b) in combinations(there, 2):
                if a and b and abs(a.altitude_ft - b.altitude_ft) < 1200 and metres(a, b) < 5.5 * NM:
                    close.add((one, other))
        assert close == {("3944e7", "400804")}

    def test_two_of_them_come_out_the_same_alone(self, shipped: dict[str, Track]) -> None:
        pair = load_tracks(SHIPPED, ["400804", "3944E7"])
        assert list(pair) == ["3944e7", "400804"]
        at_ns = ns("12:46:22") + 123_456_789
        assert [track.at(at_ns) for track in pair.values()] == [shipped[address].at(at_ns) for address in pair]


Row = tuple[float, float, float, float]
"""Seconds after noon, latitude, longitude, altitude."""


def straight(count: int = 20, first_s: float = 0.0, step_s: float = 2.0) -> list[Row]:
    """North at about 222 m/s, level."""
    times = [first_s + index * step_s for index in range(count)]
    return [(t_s, 48.0 + t_s * 0.002, 2.0, 10_000.0) for t_s in times]


def lines_of(rows: list[Row], address: str = "abc123") -> list[str]:
    return [
        f"{(NOON + timedelta(seconds=t)).isoformat()},{address},TEST1,{latitude:.5f},{longitude:.5f},{altitude:.0f},,,,"
        for t, latitude, longitude, altitude in rows
    ]


def written(folder: Path, lines: list[str]) -> Path:
    path = folder / "track.csv"
    path.write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")
    return path


def loaded(folder: Path, rows: list[Row]) -> Track:
    return load_tracks(written(folder, lines_of(rows)))["abc123"]


class TestCleaning:
    def test_a_wrong_first_row_takes_no_other_with_it(self, tmp_path: Path) -> None:
        rows = straight()
        track = loaded(tmp_path, [(0.0, 20.0, 30.0, 10_000.0), *rows[1:]])
        assert [row.line for row in track.dropped] == [2]
        assert track.pieces[0].start_ns == NOON_NS + 2 * SECOND_NS

    def test_a_run_of_wrong_rows_goes_and_the_longer_rest_stays(self, tmp_path: Path) -> None:
        rows = straight(30)
        wrong = [(t, latitude, longitude + 3, altitude) for t, latitude, longitude, altitude in rows[3:9]]
        track = loaded(tmp_path, rows[:3] + wrong + rows[9:])
        assert [row.line for row in track.dropped] == [5, 6, 7, 8, 9, 10]

    @pytest.mark.parametrize(
        ("feet", "dropped"), [(2000.0, 0), (2040.0, 0), (2060.0, 1)], ids=["at", "rounding", "above"]
    )
    def test_the_climb_that_is_too_fast(self, tmp_path: Path, feet: float, dropped: int) -> None:
        rows = straight(6)
        track = loaded(tmp_path, [*rows[:5], (10.0, rows[5][1], 2.0, 10_000.0 + feet)])
        assert len(track.dropped) == dropped

    @pytest.mark.parametrize(("metres_north", "dropped"), [(2050, 0), (2150, 0), (2170, 1)])
    def test_the_step_that_is_too_long(self, tmp_path: Path, metres_north: float, dropped: int) -> None:
        rows = straight(12)
        # A row alone, since the rows about it must join it on both sides.
        track = loaded(tmp_path, [*rows[:11], (22.0, rows[10][1] + metres_north / 111_195, 2.0, 10_000.0)])
        assert len(track.dropped) == dropped

    def test_the_same_instant_twice(self, tmp_path: Path) -> None:
        rows = straight(8)
        track = loaded(tmp_path, [*rows[:4], rows[3], *rows[4:]])
        assert track.dropped == (DroppedRow(5, "a second row at the time of line 6"),)

    def test_rows_in_any_order(self, tmp_path: Path) -> None:
        at_ns = NOON_NS + 17 * SECOND_NS
        assert loaded(tmp_path, straight()[::-1]).at(at_ns) == loaded(tmp_path, straight()).at(at_ns)


class TestRowsWithoutAPosition:
    def test_they_are_dropped_and_the_others_flown(self, tmp_path: Path) -> None:
        lines = lines_of(straight())
        lines[3] = lines[3].replace(",48.01200,2.00000,10000,", ",,,,")
        lines[5] = lines[5].replace(",10000,", ",,")
        track = load_tracks(written(tmp_path, lines))["abc123"]
        assert track.dropped == (DroppedRow(5, "no position"), DroppedRow(7, "no position"))
        assert len(track.pieces) == 1
        assert place(track, NOON_NS + 6 * SECOND_NS).latitude_deg == pytest.approx(48.012, abs=1e-5)

    def test_too_many_in_a_row_are_a_gap(self, tmp_path: Path) -> None:
        lines = lines_of(straight(40))
        lines[10:25] = [line.replace(",10000,", ",,") for line in lines[10:25]]
        track = load_tracks(written(tmp_path, lines))["abc123"]
        assert len(track.pieces) == 2
        assert len(track.dropped) == 15

    def test_an_aircraft_that_has_no_others_has_no_path(self, tmp_path: Path) -> None:
        path = written(tmp_path, [line.replace(",2.00000,", ",,") for line in lines_of(straight())])
        track = load_tracks(path)["abc123"]
        assert (track.call_sign, track.pieces, len(track.dropped)) == ("TEST1", (), 20)
        with pytest.raises(TrackError, match="found 20 rows of abc123, expected 5 usable ones"):
            load_tracks(path, ["abc123"])


class TestGaps:
    def test_thirty_seconds_are_flown_through(self, tmp_path: Path) -> None:
        track = loaded(tmp_path, straight(10) + straight(10, 48.0))
        assert len(track.pieces) == 1
        assert place(track, NOON_NS + 33 * SECOND_NS).latitude_deg == pytest.approx(48.066, abs=1e-5)

    def test_more_than_thirty_split_the_track(self, tmp_path: Path) -> None:
        track = loaded(tmp_path, straight(10) + straight(10, 49.0))
        assert [(piece.start_ns - NOON_NS) // SECOND_NS for piece in track.pieces] == [0, 49]
        assert place(track, NOON_NS + 18 * SECOND_NS).latitude_deg == pytest.approx(48.036, abs=1e-5)
        assert track.at(NOON_NS + 18 * SECOND_NS + 1) is None
        assert track.at(NOON_NS + 49 * SECOND_NS - 1) is None
        assert place(track, NOON_NS + 49 * SECOND_NS).latitude_deg == pytest.approx(48.098, abs=1e-5)

    def test_four_rows_between_gaps_are_no_path(self, tmp_path: Path) -> None:
        track = loaded(tmp_path, straight(10) + straight(4, 60.0) + straight(5, 120.0))
        assert len(track.pieces) == 2
        assert track.dropped == tuple(
            DroppedRow(line, "fewer than 5 rows between gaps of 30 s") for line in (12, 13, 14, 15)
        )
        assert track.at(NOON_NS + 62 * SECOND_NS) is None


class TestHeldPlaces:
    def test_a_moving_aircraft_that_repeats_its_place_does_not_stop(self, tmp_path: Path) -> None:
        rows = straight(20)
        held = [(t, rows[9][1], 2.0, 10_000.0) for t, *_ in rows[10:13]]
        track = loaded(tmp_path, rows[:10] + held + rows[13:])
        assert track.held_lines == (12, 13, 14)
        assert place(track, NOON_NS + 22 * SECOND_NS).latitude_deg == pytest.approx(48.044, abs=1e-5)

    def test_a_repeat_at_the_end_ends_the_path(self, tmp_path: Path) -> None:
        rows = straight(20)
        track = loaded(tmp_path, [*rows, (40.0, rows[-1][1], 2.0, 10_000.0)])
        assert track.held_lines == (22,)
        assert track.pieces[0].end_ns == NOON_NS + 38 * SECOND_NS

    def test_an_aircraft_that_stands_is_there_and_not_airborne(self, tmp_path: Path) -> None:
        standing = [(float(t), 48.0, 2.0, -50.0) for t in range(0, 100, 2)]
        rolling = [(100.0 + t, 48.0 + 1.2 * t * t / 111_195, 2.0, -50.0) for t in range(2, 60, 2)]
        track = loaded(tmp_path, standing + rolling)
        assert track.held_lines == ()
        parked = place(track, NOON_NS + 50 * SECOND_NS)
        assert metres(parked, (48.0, 2.0)) < 1
        assert not parked.airborne
        # 50 kt is 25.7 m/s, which 2.4 m/s2 gives after 10.7 s.
        assert not place(track, NOON_NS + 109 * SECOND_NS).airborne
        assert place(track, NOON_NS + 113 * SECOND_NS).airborne


class TestRefused:
    def test_an_aircraft_that_is_not_in_the_file(self, tmp_path: Path) -> None:
        with pytest.raises(TrackError, match="found no row of '000001', expected one of abc123"):
            load_tracks(written(tmp_path, lines_of(straight(8))), ["abc123", "000001"])

    def test_an_aircraft_with_too_few_rows(self, tmp_path: Path) -> None:
        path = written(tmp_path, lines_of(straight(4)))
        with pytest.raises(TrackError, match="found 4 rows of abc123, expected 5 usable ones"):
            load_tracks(path, ["abc123"])
        assert load_tracks(path)["abc123"].pieces == ()

    def test_rows_too_rough_for_any_path(self, tmp_path: Path) -> None:
        # East and west at 1,000 m/s, turning about on the spot every 30 s: no step is too long, but it pulls 5 g.
        rows = [(t, 48.0, 2.0 + abs(t % 60 - 30) / 74.6, 10_000.0) for t, *_ in straight(90)]
        with pytest.raises(TrackError, match="line 2, row: found rows of abc123 too rough"):
            loaded(tmp_path, rows)


class TestSmoothing:
    def truth(self, t_s: float) -> Row:
        """North at 120 m/s, then half a turn at 3 degrees a second, 10 m/s up, then south."""
        turn_s = min(max(t_s - 60.0, 0.0), 60.0)
        radius_m, angle = 120.0 / math.radians(3), math.radians(3) * turn_s
        north_m = min(t_s, 60.0) * 120.0 + radius_m * math.sin(angle) - max(t_s - 120.0, 0.0) * 120.0
        return (t_s, 48 + north_m / 111_200, 2 + radius_m * (1 - math.cos(angle)) / 74_600, 5000 + 32.8 * turn_s)

    def noisy(self, seed: int, noise_m: float) -> list[Row]:
        random = np.random.default_rng(seed)
        rows = []
        for t_s in range(0, 182, 2):
            _, latitude, longitude, altitude = self.truth(float(t_s))
            north, east = random.normal(0.0, noise_m, 2)
            rounded_ft = 25.0 * round((altitude + random.normal(0.0, 10.0)) / 25)
            rows.append((float(t_s), latitude + north / 111_200, longitude + east / 74_600, rounded_ft))
        return rows

    def test_a_noisy_flight_comes_back_near_its_truth(self, tmp_path: Path) -> None:
        track = loaded(tmp_path, self.noisy(1, 25.0))
        assert track.dropped == ()
        errors = [(metres(place(track, NOON_NS + t_s * SECOND_NS), self.truth(t_s)[1:]), t_s) for t_s in range(181)]
        assert max(errors)[0] < 60
        away_ft = [abs(place(track, NOON_NS + t_s * SECOND_NS).altitude_ft - self.truth(t_s)[3]) for t_s in range(181)]
        assert max(away_ft) < 60

    @pytest.mark.parametrize("noise_m", [0.0, 25.0, 200.0, 500.0])
    def test_it_can_be_flown_at_any_noise(self, tmp_path: Path, noise_m: float) -> None:
        horizontal, vertical = peak_g(loaded(tmp_path, self.noisy(2, noise_m)))
        assert horizontal < 2.0
        assert vertical < 1.0
        # The turn itself, 120 m/s at 3 degrees a second, is 0.64 g and must not be smoothed away.
        assert horizontal > 0.5

    def test_more_noise_is_smoothed_more_only_where_it_must_be(self, tmp_path: Path) -> None:
        calm = loaded(tmp_path, self.noisy(3, 0.0))
        assert max(metres(place(calm, NOON_NS + t * SECOND_NS), self.truth(t)[1:]) for t in range(181)) < 25

    def test_a_path_crosses_the_180th_meridian(self, tmp_path: Path) -> None:
        rows = [(t, 10.0, (359.9 + t * 0.004) % 360 - 180, 30_000.0) for t in np.arange(0.0, 100.0, 2.0)]
        track = loaded(tmp_path, rows)
        assert track.dropped == ()
        assert place(track, NOON_NS + 25 * SECOND_NS).velocity_east_mps == pytest.approx(440, abs=3)
