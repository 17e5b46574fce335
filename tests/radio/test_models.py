"""Models of propagation: what each loses, that none is better than it says, and what is said of bad ones."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from radio.propagation import (
    FreeSpace,
    LogDistance,
    Matrix,
    Own,
    Paths,
    PropagationError,
    TwoRay,
    free_space_loss_db,
)

VHF_HZ = 127.5e6
DISTANCES_M = st.lists(st.floats(0.0, 1.3e7), min_size=1, max_size=8)
FREQUENCIES_HZ = st.floats(3e3, 3e11)
ADDRESSES = st.integers(1, 0xFFFFFE)


def paths_of(distance_m, heights_m=(10.0, 10_000.0), ends=(0xAE1001, 0x155001)):
    n = len(distance_m)
    return Paths(
        np.array(distance_m, np.float64),
        *(np.full(n, end, np.int64) for end in ends),
        *(np.full(n, height_m) for height_m in heights_m),
    )


def test_free_space_is_free_space():
    loss_db = FreeSpace().loss_db(paths_of([0.0, 1e3, 7.4e5]), VHF_HZ)
    assert loss_db.tolist() == free_space_loss_db([0.0, 1e3, 7.4e5], VHF_HZ).tolist()


@pytest.mark.parametrize(("low_m", "high_m"), [(10.0, 20.0), (2.0, 1_500.0), (-30.0, 0.2)])
def test_two_rays_cross_over_without_a_step(low_m, high_m):
    wavelength_m = 299_792_458.0 / VHF_HZ
    crossover_m = 4 * np.pi * max(low_m, 1) * max(high_m, 1) / wavelength_m
    near, at, just_beyond, far = TwoRay().loss_db(
        paths_of([crossover_m / 2, crossover_m, crossover_m * (1 + 1e-9), crossover_m * 10], (low_m, high_m)), VHF_HZ
    )
    assert near == free_space_loss_db(crossover_m / 2, VHF_HZ)
    assert at == pytest.approx(float(free_space_loss_db(crossover_m, VHF_HZ)), abs=1e-9)
    assert just_beyond == pytest.approx(at, abs=1e-7)
    assert far - at == pytest.approx(40.0), "ten times as far is 40 dB, not 20"


def test_two_rays_by_hand():
    """Antennas 10 and 20 m high, 10 km apart: 160 - 46.02 dB, whatever the frequency."""
    for frequency_hz in (VHF_HZ, 3e8):
        assert TwoRay().loss_db(paths_of([1e4], (10.0, 20.0)), frequency_hz) == pytest.approx(113.979, abs=1e-3)


def test_the_distance_counts_with_its_exponent_beyond_the_reference():
    model = LogDistance(exponent=3.5, reference_m=100.0)
    at_half, at_reference, at_ten, at_hundred = model.loss_db(paths_of([50.0, 100.0, 1e3, 1e4]), VHF_HZ)
    assert at_half == free_space_loss_db(50.0, VHF_HZ)
    assert at_reference == pytest.approx(54.55, abs=0.01)
    assert (at_ten - at_reference, at_hundred - at_ten) == (pytest.approx(35.0), pytest.approx(35.0))


def shadowing_db(model, a, b):
    plain = LogDistance(exponent=model.exponent, reference_m=model.reference_m)
    paths = paths_of([1e4], ends=(a, b))
    return float((model.loss_db(paths, VHF_HZ) - plain.loss_db(paths, VHF_HZ))[0])


@given(ADDRESSES, ADDRESSES, st.floats(0.1, 60.0), st.integers(0, 2**63 - 1))
def test_shadowing_is_bounded_and_the_same_both_ways(a, b, bound_db, seed):
    model = LogDistance(exponent=3.0, shadowing_db=bound_db, seed=seed)
    assert abs(shadowing_db(model, a, b)) <= bound_db + 1e-9
    assert shadowing_db(model, a, b) == shadowing_db(model, b, a)


def test_shadowing_is_each_pairs_own_whoever_else_is_there():
    ends = np.arange(1, 2001, dtype=np.int64)
    model = LogDistance(exponent=2.0, shadowing_db=6.0, seed=4)
    paths = paths_of(np.full(2000, 1e4))._replace(receiver=ends)
    drawn_db = model.loss_db(paths, VHF_HZ) - free_space_loss_db(1e4, VHF_HZ)
    backwards = Paths(*[column[::-1] for column in paths])
    assert (model.loss_db(backwards, VHF_HZ) - free_space_loss_db(1e4, VHF_HZ)).tolist() == drawn_db[::-1].tolist()
    assert len(set(drawn_db.tolist())) == 2000
    # Of a triangular distribution: mean 0, standard deviation bound / sqrt(6); four sigma of 2000 draws.
    assert abs(drawn_db.mean()) < 0.22
    assert drawn_db.std() == pytest.approx(6.0 / 6**0.5, rel=0.07)
    other = LogDistance(exponent=2.0, shadowing_db=6.0, seed=5)
    assert abs(np.corrcoef(drawn_db, other.loss_db(paths, VHF_HZ))[0, 1]) < 0.1


def test_frozen_shadowing():
    """Whoever changes the hash changes every seeded scenario: do it knowingly."""
    model = LogDistance(exponent=2.0, shadowing_db=6.0, seed=7)
    assert shadowing_db(model, 0xAE1001, 0x155001) == pytest.approx(-2.098949824477131, abs=1e-9)


def free_space(distance_m, frequency_hz, *_):
    return np.maximum(free_space_loss_db(distance_m, frequency_hz), 0.0)


MODELS = [
    FreeSpace(),
    TwoRay(),
    LogDistance(exponent=1.0),
    LogDistance(exponent=1.6, reference_m=1e6, shadowing_db=60.0, seed=3),
    LogDistance(exponent=4.0, reference_m=50.0, shadowing_db=8.0),
    Matrix(addresses=(0xAE1001, 0x155001), losses=((0.0, 90.0), (0.0, 0.0)), excess_db=400.0),
    Matrix(addresses=(0xAE1001, 0x155001), losses=((0.0, 90.0), (0.0, 0.0)), excess_db=10.0),
    Own(function=free_space, name="mine:f", excess_db=0.0),
    Own(function=lambda *a: np.maximum(free_space(*a) - 7.0, 0.0), name="mine:f", excess_db=5.0),
]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
@given(DISTANCES_M, FREQUENCIES_HZ, st.tuples(st.floats(-500.0, 4e4), st.floats(-500.0, 4e4)))
def test_no_model_is_better_than_free_space_by_more_than_it_says(model, distance_m, frequency_hz, heights_m):
    try:
        loss_db = model.loss_db(paths_of(distance_m, heights_m), frequency_hz)
    except PropagationError:
        assert isinstance(model, Own | Matrix), "the formulas hold by themselves"
        return
    assert loss_db.shape == (len(distance_m),)
    assert np.isfinite(loss_db).all()
    assert (loss_db >= free_space_loss_db(distance_m, frequency_hz) - model.excess_db - 2e-6).all()


def test_an_excess_by_hand():
    assert LogDistance(exponent=1.5, reference_m=13.0, shadowing_db=3.0).excess_db == pytest.approx(3.0 + 5.0 * 6)
    assert LogDistance(exponent=3.0, shadowing_db=3.0).excess_db == 3.0


def test_a_matrix_is_looked_up_both_ways():
    matrix = Matrix(addresses=(9, 4), losses=((0.0, 110.0), (120.0, float("nan"))), excess_db=200.0)
    paths = paths_of([1e3, 1e6, 5.0])._replace(transmitter=np.array([9, 4, 9]), receiver=np.array([4, 9, 4]))
    assert matrix.loss_db(paths, VHF_HZ).tolist() == [110.0, 120.0, 110.0]
    assert matrix.loss_db(Paths(*[column[:0] for column in paths]), VHF_HZ).tolist() == []


@pytest.mark.parametrize("stranger", [1, 5, 200])
def test_a_matrix_does_not_guess(stranger):
    matrix = Matrix(addresses=(9, 4), losses=((0.0, 110.0), (120.0, 0.0)), excess_db=200.0)
    with pytest.raises(PropagationError, match=f"the matrix has no losses for {stranger:06x}"):
        matrix.loss_db(paths_of([1e3], ends=(9, stranger)), VHF_HZ)


@pytest.mark.parametrize(
    ("addresses", "losses"),
    [
        ((1, 1), ((0.0, 1.0), (1.0, 0.0))),
        ((1, 2), ((0.0, 1.0),)),
        ((1, 2), ((0.0, 1.0), (1.0,))),
        ((1, 2), ((0.0, -1.0), (1.0, 0.0))),
        ((1, 2), ((0.0, float("nan")), (1.0, 0.0))),
    ],
)
def test_a_matrix_is_whole(addresses, losses):
    with pytest.raises(ValueError, match="matrix"):
        Matrix(addresses=addresses, losses=losses, excess_db=0.0)


def test_a_function_is_given_what_it_needs_and_may_spoil_it():
    seen = []

    def own(distance_m, frequency_hz, transmitter_height_m, receiver_height_m):
        seen.append((distance_m.tolist(), frequency_hz, transmitter_height_m.tolist(), receiver_height_m.tolist()))
        loss_db = free_space(distance_m, frequency_hz)
        for array in (distance_m, transmitter_height_m, receiver_height_m):
            array[:] = np.nan
        return loss_db

    paths = paths_of([0.0, 2e3], (-5.0, 300.0))
    found = Own(function=own, name="mine:own", excess_db=0.0).loss_db(paths, VHF_HZ)
    assert seen == [([1.0, 2e3], VHF_HZ, [1.0, 1.0], [300.0, 300.0])]
    assert found.tolist() == free_space_loss_db([1.0, 2e3], VHF_HZ).tolist()
    assert paths.distance_m.tolist() == [0.0, 2e3]
    assert paths.transmitter_height_m.tolist() == [-5.0, -5.0]


def test_a_function_is_not_asked_about_nothing():
    own = Own(function=lambda *_: 1 / 0, name="mine:own", excess_db=0.0)
    assert own.loss_db(paths_of([]), VHF_HZ).tolist() == []


def test_losses_may_be_whole_numbers():
    found = Own(function=lambda d, *_: np.full(len(d), 150), name="mine:own", excess_db=0.0).loss_db(
        paths_of([1e3]), VHF_HZ
    )
    assert (found.dtype, found.tolist()) == (np.float64, [150.0])


def exiting(*_):
    raise SystemExit(3)


def rambling(*_):
    raise RuntimeError("first line\n  second line")


BAD = {
    "raises": (lambda *_: {}["k"], "mine:own raised KeyError: 'k'"),
    "exits": (exiting, "mine:own raised SystemExit: 3"),
    "rambles": (rambling, "mine:own raised RuntimeError: first line second line"),
    "takes too little": (lambda d: d, "mine:own raised TypeError: "),
    "nothing": (lambda *_: None, "returned NoneType: an array of 2 losses in dB is expected"),
    "one number": (lambda *_: 90.0, "returned float: an array of 2 losses in dB is expected"),
    "a list": (lambda *_: [90.0, 90.0], "returned list: an array of 2 losses in dB is expected"),
    "too few": (lambda *_: np.array([90.0]), "an array of float64, 1: an array of 2 losses in dB is expected"),
    "too many dimensions": (lambda *_: np.full((2, 1), 90.0), "an array of float64, 2 x 1: an array of 2 losses"),
    "no dimension": (lambda *_: np.array(90.0), "an array of float64, no dimension: an array of 2 losses"),
    "complex": (lambda *_: np.full(2, 90j), "an array of complex128, 2: an array of 2 losses in dB is expected"),
    "truth values": (lambda *_: np.full(2, True), "an array of bool, 2: an array of 2 losses in dB is expected"),
    "text": (lambda *_: np.full(2, "90"), "an array of <U2, 2: an array of 2 losses in dB is expected"),
    "NaN": (lambda *_: np.array([90.0, np.nan]), "gave nan dB for 5000 m at 127.5 MHz: a loss of 0 to 10000 dB"),
    "infinite": (lambda *_: np.array([np.inf, 90.0]), "gave inf dB for 10 m at 127.5 MHz: a loss of 0 to 10000 dB"),
    "negative": (lambda *_: np.array([-1.0, 90.0]), "gave -1 dB for 10 m at 127.5 MHz: a loss of 0 to 10000 dB"),
    "too good": (
        lambda *_: np.array([90.0, 70.0]),
        "gave 70 dB for 5000 m at 127.5 MHz, better than free space by 18.5",
    ),
}


@pytest.mark.parametrize("bad", BAD)
def test_what_a_bad_function_gives_does_not_get_out(bad):
    function, expected = BAD[bad]
    own = Own(function=function, name="mine:own", excess_db=18.0)
    with pytest.raises(PropagationError) as caught:
        own.loss_db(paths_of([10.0, 5e3]), VHF_HZ)
    assert str(caught.value).startswith("mine:own ")
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_matrix_that_is_better_than_it_says_is_told_too():
    matrix = Matrix(addresses=(9, 4), losses=((0.0, 70.0), (70.0, 0.0)), excess_db=18.0)
    with pytest.raises(PropagationError, match=r"the matrix gave 70 dB for 5000 m .* by 18.5 dB: excess_db allows 18"):
        matrix.loss_db(paths_of([5e3], ends=(9, 4)), VHF_HZ)
