"""Curves: tables of success by tenths of dB, the presets against their formulas, and what is wrong in a file."""

from math import erfc, exp, pi, sin, sqrt

import numpy as np
import pytest
from hypothesis import given, strategies as st

from radio.curves import PRESETS, STEP, VHF_25KHZ, WIDE_1MBPS, Curve, parse_curve
from radio.tables import TableError

SLOPE = Curve(sinr_db=(-1.0, 0.0, 10.0), success=(0.0, 0.1, 0.6))


def success_at(curve, sinr_db, n_bytes=64):
    """As whoever uses the table looks it up."""
    first, table = curve.probabilities(n_bytes)
    place = round(sinr_db * 10) - first
    return 0.0 if place < 0 else float(table[min(place, len(table) - 1)])


@pytest.mark.parametrize("n_bytes", [1, 20, 64])
def test_a_step_has_nothing_below_and_all_from_there_on(n_bytes):
    assert [success_at(STEP, sinr, n_bytes) for sinr in (-50.0, 9.9, 10.0, 10.1, 90.0)] == [0.0, 0.0, 1.0, 1.0, 1.0]
    assert STEP.probabilities(n_bytes)[0] == 100


@pytest.mark.parametrize(
    ("sinr_db", "expected"),
    [
        (-1.1, 0.0),
        (-1.0, 0.0),
        (-0.9, 0.01),
        (-0.5, 0.05),
        (0.0, 0.1),
        (5.0, 0.35),
        (9.9, 0.595),
        (10.0, 0.6),
        (99, 0.6),
    ],
)
def test_between_points_it_is_a_straight_line(sinr_db, expected):
    assert success_at(SLOPE, sinr_db) == pytest.approx(expected)


def test_a_table_begins_with_the_first_success():
    first, table = SLOPE.probabilities(64)
    assert first == -9
    assert table[0] > 0
    assert len(table) == 110
    assert table.dtype == np.float64


def test_a_first_point_with_success_is_an_edge():
    curve = Curve(sinr_db=(3.3, 4.0), success=(0.5, 1.0))
    assert [success_at(curve, sinr) for sinr in (3.2, 3.3, 4.0)] == [0.0, 0.5, 1.0]


@pytest.mark.parametrize(("sinr_db", "first"), [(5.05, 51), (-5.05, -50), (-0.01, 0), (0.01, 1), (-3.3, -33)])
def test_a_point_between_tenths_counts_from_the_next_on(sinr_db, first):
    assert Curve(sinr_db=(sinr_db,), success=(0.25,)).probabilities(64)[0] == first


@given(st.integers(-1000, 2000))
def test_a_point_on_a_tenth_is_met_exactly(tenth):
    first, table = Curve(sinr_db=(float(f"{tenth / 10:.1f}"),), success=(0.25,)).probabilities(64)
    assert (first, table.tolist()) == (tenth, [0.25])


def test_each_byte_has_the_same_chance():
    assert success_at(SLOPE, 0.0, 16) == pytest.approx(0.1**0.25)
    assert success_at(SLOPE, 0.0, 128) == pytest.approx(0.01)
    tenth = Curve(sinr_db=(0.0,), success=(0.5,), reference_bytes=10)
    assert success_at(tenth, 0.0, 20) == pytest.approx(0.25)


@given(
    st.lists(st.tuples(st.floats(-100, 200), st.floats(0, 1)), min_size=1, max_size=6, unique_by=lambda p: p[0]),
    st.integers(1, 64),
)
def test_a_table_never_falls_and_stays_a_share(points, n_bytes):
    sinr_db = sorted(sinr for sinr, _ in points)
    success = sorted(max(success, 1e-6) for _, success in points)
    first, table = Curve(sinr_db=tuple(sinr_db), success=tuple(success)).probabilities(n_bytes)
    assert (np.diff(table) >= 0).all()
    assert 0 < table[0] <= table[-1] <= 1
    assert table[-1] == pytest.approx(success[-1] ** (n_bytes / 64))
    assert first / 10 >= sinr_db[0]
    last = first + len(table) - 1
    assert (last - 1) / 10 < sinr_db[-1] <= last / 10


def test_no_frame_is_empty():
    with pytest.raises(ValueError, match="at least one byte, not 0"):
        STEP.probabilities(0)


def d8psk(sinr_db):
    symbol = 10 ** (sinr_db / 10) * 25_000 / 10_500
    return (1 - erfc(sqrt(symbol / 2) * sin(pi / 8))) ** (512 / 3)


def orthogonal(sinr_db):
    return (1 - exp(-(10 ** (sinr_db / 10)) / 2) / 2) ** 512


@pytest.mark.parametrize(("curve", "formula"), [(VHF_25KHZ, d8psk), (WIDE_1MBPS, orthogonal)])
def test_presets_are_what_their_formulas_give(curve, formula):
    assert [formula(sinr) for sinr in curve.sinr_db] == pytest.approx(list(curve.success), abs=6e-10)
    assert np.diff(curve.sinr_db).tolist() == [1.0] * (len(curve.sinr_db) - 1)
    assert (curve.success[0], curve.success[-1]) == (0.0, 1.0)
    assert formula(curve.sinr_db[0] - 1) < 5e-10


def test_presets_by_name_ask_for_what_is_known_of_such_radios():
    assert {name: PRESETS[name].reference_bytes for name in PRESETS} == {"step": 64, "vhf_25khz": 64, "wide_1mbps": 64}
    half = {n: next(t for t in range(300) if success_at(PRESETS[n], t / 10) >= 0.5) / 10 for n in PRESETS}
    assert half == {"step": 10.0, "vhf_25khz": 13.8, "wide_1mbps": 10.8}


def test_a_curve_from_text():
    curve = Curve(sinr_db=(5.0, 12.5), success=(0.0, 0.9))
    assert parse_curve("sinr_db,success\n5,0\n12.5, 0.9\n") == curve
    assert parse_curve("success,sinr_db\r\n0,5\r\n\r\n0.9,12.5\r\n") == curve


@pytest.mark.parametrize(
    ("sinr_db", "success"),
    [
        ((), ()),
        ((1.0,), ()),
        ((1.0, 1.0), (0.0, 1.0)),
        ((1.0, 2.0), (1.0, 0.5)),
        ((1.0,), (0.0,)),
        ((1.0,), (1.1,)),
        ((float("nan"),), (1.0,)),
        ((201.0,), (1.0,)),
    ],
)
def test_a_curve_rises(sinr_db, success):
    with pytest.raises(ValueError, match=r"curve|rises"):
        Curve(sinr_db=sinr_db, success=success)


HEAD = "sinr_db,success\n"
NEVER = "more than 0 at last: nothing would ever be received"
BAD = {
    "nothing": ("", [(0, "file", "no rows", "a CSV file")]),
    "no header": ("5,0\n6,1\n", [(1, "header", "5,0", "the columns sinr_db and success")]),
    "a column too many": (
        "sinr_db,success,x\n",
        [(1, "header", "sinr_db,success,x", "the columns sinr_db and success")],
    ),
    "a column twice": ("sinr_db,sinr_db\n", [(1, "header", "sinr_db,sinr_db", "the columns sinr_db and success")]),
    "no points": (HEAD, [(1, "row", "no more rows", "a row for each point, one at least")]),
    "a row too short": (HEAD + "5\n6,1\n", [(2, "row", "1 cells", "2 cells")]),
    "an SINR that is none": (HEAD + "low,0\n6,1\n", [(2, "sinr_db", "'low'", "dB from -100 to 200")]),
    "an SINR out of bounds": (HEAD + "6,0.5\n201,1\n", [(3, "sinr_db", "'201'", "dB from -100 to 200")]),
    "an SINR twice": (HEAD + "5,0\n5,1\n", [(3, "sinr_db", "'5'", "more than the 5 before it")]),
    "a share over one": (HEAD + "5,0\n6,95\n", [(3, "success", "'95'", "a share from 0 to 1")]),
    "a share that falls": (HEAD + "5,0.5\n6,0.4\n", [(3, "success", "'0.4'", "not less than the 0.5 before it")]),
    "no success at all": (HEAD + "5,0\n6,0\n", [(3, "success", "0", NEVER)]),
    "two at once": (
        HEAD + "x,0\n6,y\n",
        [(2, "sinr_db", "'x'", "dB from -100 to 200"), (3, "success", "'y'", "a share from 0 to 1")],
    ),
}


@pytest.mark.parametrize("bad", BAD)
def test_what_is_wrong_with_a_curve_is_told_with_its_line(bad):
    text, flaws = BAD[bad]
    with pytest.raises(TableError) as caught:
        parse_curve(text)
    assert [tuple(flaw) for flaw in caught.value.flaws] == flaws
