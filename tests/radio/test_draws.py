"""The keyed draws: fixed by their key alone, and as good as independent between any two keys."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from radio import draws
from radio.draws import pair_uniform, uniform

WORD = st.integers(0, 2**64 - 1)
ADDRESS = st.integers(0, 0xFFFFFF)


def slow_uniform(seed, source, session, sequence, receiver, purpose):
    return slow_hash(seed, source, session, sequence, purpose, receiver)


def slow_hash(*parts):
    state = 0
    for part in parts:
        state = ((state ^ part) + 0x9E3779B97F4A7C15) % 2**64
        state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        state = (state ^ (state >> 27)) * 0x94D049BB133111EB % 2**64
        state = state ^ (state >> 31)
    return (state >> 11) / 2**53


@given(WORD, WORD, WORD, WORD, st.lists(WORD, max_size=5), WORD)
def test_agrees_with_integer_arithmetic(seed, source, session, sequence, receivers, purpose):
    drawn = uniform(seed, source, session, sequence, np.array(receivers, np.uint64), purpose)
    assert drawn.tolist() == [slow_uniform(seed, source, session, sequence, one, purpose) for one in receivers]
    assert all(0.0 <= value < 1.0 for value in drawn)


@given(WORD, st.lists(st.tuples(ADDRESS, ADDRESS), max_size=5), WORD)
def test_pairs_agree_with_integer_arithmetic_whichever_comes_first(seed, pairs, purpose):
    first, second = np.array(pairs, np.int64).reshape(-1, 2).T
    drawn = pair_uniform(seed, first, second, purpose).tolist()
    assert drawn == [slow_hash(seed, purpose, min(pair), max(pair)) for pair in pairs]
    assert drawn == pair_uniform(seed, second, first, purpose).tolist()


def test_one_round_is_the_published_splitmix64():
    """The first output of splitmix64 from state 0."""
    assert draws._mix(0x9E3779B97F4A7C15) == 0xE220A8397B1DCDAF


def test_frozen_values():
    """Whoever changes the hash changes every seeded scenario: do it knowingly."""
    drawn = uniform(7, 0x3C1234, 2, 65535, np.array([1, 2, 0xFFFFFF], np.uint64), 1)
    assert drawn.tolist() == [0.9542288720778521, 0.06998620082070461, 0.7167679638972632]


def test_a_negative_seed_is_a_seed():
    assert uniform(-1, 0, 0, 0, np.array([1], np.uint64), 0) != uniform(1, 0, 0, 0, np.array([1], np.uint64), 0)


def draws_over(part):
    """10,000 draws in which only one part of the key counts up."""
    if part == "receiver":
        return uniform(1, 2, 3, 4, np.arange(10_000, dtype=np.uint64), 5)
    key = {"seed": 1, "source": 2, "session": 3, "sequence": 4, "receivers": np.zeros(1, np.uint64), "purpose": 5}
    return np.concatenate([uniform(**{**key, part: number}) for number in range(10_000)])


@pytest.mark.parametrize("part", ["seed", "source", "session", "sequence", "receiver"])
def test_uniform_over_each_part_of_the_key(part):
    drawn = draws_over(part)
    observed, _ = np.histogram(drawn, bins=20, range=(0.0, 1.0))
    chi_squared = float(((observed - 500.0) ** 2 / 500.0).sum())
    assert chi_squared < 43.8  # 19 degrees of freedom, 0.1 %
    assert abs(np.corrcoef(drawn[:-1], drawn[1:])[0, 1]) < 0.04  # four sigma


def test_purposes_are_apart():
    receivers = np.arange(10_000, dtype=np.uint64)
    first, second = uniform(1, 2, 3, 4, receivers, 1), uniform(1, 2, 3, 4, receivers, 2)
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.04
