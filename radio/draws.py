"""Random draws as a keyed hash: the same key gives the same number, whatever was drawn before. No streams here."""

import numpy as np
from numpy.typing import NDArray

_MASK = (1 << 64) - 1
_STEP = 0x9E3779B97F4A7C15
_FIRST = 0xBF58476D1CE4E5B9
_SECOND = 0x94D049BB133111EB


def uniform(
    seed: int, source: int, session: int, sequence: int, receivers: NDArray[np.uint64], purpose: int
) -> NDArray[np.float64]:
    """One number in [0, 1) for each receiver, with 53 random bits, fixed by the whole key.

    Each part of the key goes through one round of the splitmix64 finaliser (Steele, Lea, Flood, OOPSLA 2014; constants
    of Stafford's variant 13). Integers count modulo 2**64. `purpose` keeps draws for different questions apart.
    """
    state = 0
    for part in (seed, source, session, sequence, purpose):
        state = _mix((state ^ (part & _MASK)) + _STEP & _MASK)
    bits = _mix_array((receivers ^ np.uint64(state)) + np.uint64(_STEP))
    return (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53


def pair_uniform(seed: int, first: NDArray[np.int64], second: NDArray[np.int64], purpose: int) -> NDArray[np.float64]:
    """One number in [0, 1) for each pair of addresses, with 53 random bits; the same whichever of both comes first.

    The hash is that of `uniform`, with other parts: seed, purpose, the lesser address, the greater one.
    """
    state = 0
    for part in (seed, purpose):
        state = _mix((state ^ (part & _MASK)) + _STEP & _MASK)
    lesser, greater = np.minimum(first, second).astype(np.uint64), np.maximum(first, second).astype(np.uint64)
    bits = _mix_array((lesser ^ np.uint64(state)) + np.uint64(_STEP))
    bits = _mix_array((greater ^ bits) + np.uint64(_STEP))
    return (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _mix(value: int) -> int:
    value = (value ^ value >> 30) * _FIRST & _MASK
    value = (value ^ value >> 27) * _SECOND & _MASK
    return value ^ value >> 31


def _mix_array(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The same as `_mix`: unsigned arrays wrap at 2**64 by themselves."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(_FIRST)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(_SECOND)
    return value ^ (value >> np.uint64(31))
