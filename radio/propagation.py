"""How strong, how late and how far a radio wave arrives: pure array functions, and the models of propagation.

What models know beforehand, such as a matrix, they are made with; nothing changes in them. Powers in dB and dBm pass
through `tenths` before anything compares or records them, because numpy's logarithms differ in the last bit between
processors.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from radio import draws

SPEED_OF_LIGHT_MPS = 299_792_458.0
THERMAL_NOISE_DBM_PER_HZ = -174.0
# Mean earth radius times 4/3: the usual allowance for refraction in a standard atmosphere (ITU-R P.310, P.834).
STANDARD_REFRACTION = 4 / 3
EARTH_RADIUS_M = 6_371_000.0
# An antenna on a vehicle or a mast. Heights above the ellipsoid may be negative on dry land; a root may not.
LEAST_ANTENNA_HEIGHT_M = 1.0
# Two stations at the same place would otherwise have an infinite power.
LEAST_DISTANCE_M = 1.0
# The diameter of the earth with all who fly over it: no two stations are further apart.
FARTHEST_M = 13_000_000.0
# More than anybody means; a function that returns more has a mistake.
GREATEST_LOSS_DB = 10_000.0
# Stands for "no power at all" where a logarithm is taken: -3000 dBm.
_LEAST_POWER_MW = 1e-300


def tenths(value_db: ArrayLike) -> NDArray[np.int32]:
    """Decibels as whole tenths, the nearest: what is compared and recorded, so that all processors agree."""
    return np.rint(np.asarray(value_db, dtype=np.float64) * 10.0).astype(np.int32)


def free_space_loss_db(distance_m: ArrayLike, frequency_hz: float) -> NDArray[np.float64]:
    """Free-space path loss in dB, not rounded; distances under 1 m count as 1 m. Source: ITU-R P.525, equation 3."""
    wavelength_m = SPEED_OF_LIGHT_MPS / frequency_hz
    return 20.0 * np.log10(4.0 * np.pi / wavelength_m * np.maximum(distance_m, LEAST_DISTANCE_M))


def free_space_range_m(loss_db: float, frequency_hz: float) -> float:
    """The distance in metres at which the loss of free space comes to `loss_db`; 1 m at least, infinite beyond 6000 dB.

    Source: ITU-R P.525.
    """
    if loss_db > 6_000.0:
        return math.inf
    return max(SPEED_OF_LIGHT_MPS / frequency_hz / (4.0 * math.pi) * math.pow(10.0, loss_db / 20.0), LEAST_DISTANCE_M)


def horizon_factor_m(k: float | None) -> float:
    """What the roots of antenna heights in metres are multiplied by to give distances in metres: sqrt(2 k R).

    `k` (above 0) is by how much waves see a larger earth than ours, see `horizon_m`.
    """
    return math.inf if k is None else math.sqrt(2.0 * k * EARTH_RADIUS_M)


def horizon_m(height_a_m: ArrayLike, height_b_m: ArrayLike, k: float | None) -> NDArray[np.float64]:
    """Greatest distance in metres at which two antennas see each other over a smooth earth k times as large as ours.

    The sum of sqrt(2 k R h). Heights under 1 m count as 1 m. `k` is above 0: 4/3 for a standard atmosphere, 1 for no
    refraction (3.57 km times the root of each height in metres); None or infinity for no horizon, which gives infinity.
    Source: ITU-R P.310 (effective radius of the earth).
    """
    root_a = np.sqrt(np.maximum(height_a_m, LEAST_ANTENNA_HEIGHT_M))
    root_b = np.sqrt(np.maximum(height_b_m, LEAST_ANTENNA_HEIGHT_M))
    reach: NDArray[np.float64] = horizon_factor_m(k) * (root_a + root_b)
    return reach


def propagation_delay_ns(distance_m: ArrayLike) -> NDArray[np.int64]:
    """Time of flight at the speed of light in vacuum, to the nearest nanosecond."""
    return np.rint(np.asarray(distance_m, dtype=np.float64) * (1e9 / SPEED_OF_LIGHT_MPS)).astype(np.int64)


def sensitivity_dbm(noise_figure_db: ArrayLike, bandwidth_hz: float, required_snr_db: ArrayLike) -> NDArray[np.float64]:
    """Weakest power in dBm that can be received, not rounded: thermal noise in the band, noise figure, required SNR."""
    noise_dbm = THERMAL_NOISE_DBM_PER_HZ + 10.0 * np.log10(bandwidth_hz) + np.asarray(noise_figure_db)
    result: NDArray[np.float64] = noise_dbm + np.asarray(required_snr_db)
    return result


def decibel_milliwatts(power_mw: ArrayLike) -> NDArray[np.float64]:
    """Power in dBm of a power in mW, not rounded; no power at all gives -3000 dBm."""
    return 10.0 * np.log10(np.maximum(power_mw, _LEAST_POWER_MW))


class Paths(NamedTuple):
    """Ways from transmitters to receivers, in columns of one length. Stations go by address, heights above the
    ellipsoid."""

    distance_m: NDArray[np.float64]
    transmitter: NDArray[np.int64]
    receiver: NDArray[np.int64]
    transmitter_height_m: NDArray[np.float64]
    receiver_height_m: NDArray[np.float64]


class PropagationError(ValueError):
    """A model gave no usable loss. The text is one sentence and says which model, what it gave and what is expected."""


class Propagation(Protocol):
    """A model of how waves weaken on their way. Distances and heights under 1 m count as 1 m in every model."""

    @property
    def excess_db(self) -> float:
        """By how many dB a path can be better than free space, at most: 0 or more."""

    def loss_db(self, paths: Paths, frequency_hz: float) -> NDArray[np.float64]:
        """The loss in dB of each path, finite and not rounded. Raises PropagationError."""


@dataclass(frozen=True, slots=True)
class FreeSpace:
    """Nothing but distance. Source: ITU-R P.525."""

    @property
    def excess_db(self) -> float:
        """0 dB."""
        return 0.0

    def loss_db(self, paths: Paths, frequency_hz: float) -> NDArray[np.float64]:
        """Free-space loss."""
        return free_space_loss_db(paths.distance_m, frequency_hz)


@dataclass(frozen=True, slots=True)
class TwoRay:
    """A ray reflected by flat ground beside the direct one, without the ripple that it makes near by.

    Free space up to the crossover distance 4 pi h1 h2 / wavelength, from there on 40 log10 d - 20 log10(h1 h2), which
    does not depend on frequency. Heights count from the ellipsoid. Source: Rappaport, Wireless Communications (2nd
    ed.), 4.6.
    """

    @property
    def excess_db(self) -> float:
        """0 dB."""
        return 0.0

    def loss_db(self, paths: Paths, frequency_hz: float) -> NDArray[np.float64]:
        """The greater of both losses: they are equal at the crossover, and only there."""
        heights_m2 = _least_height_m(paths.transmitter_height_m) * _least_height_m(paths.receiver_height_m)
        distance_m = np.maximum(paths.distance_m, LEAST_DISTANCE_M)
        reflected_db = 40.0 * np.log10(distance_m) - 20.0 * np.log10(heights_m2)
        return np.maximum(free_space_loss_db(distance_m, frequency_hz), reflected_db)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogDistance:
    """Free space up to `reference_m` (1 or more), then 10 `exponent` log10(d / reference_m) on top; and shadowing.

    Each two stations have a shadowing of their own, the same both ways and all the time: the mean of two uniform draws,
    so of triangular distribution within +-`shadowing_db`. A normal distribution, which is usual, has no bound. Source:
    Rappaport, Wireless Communications (2nd ed.), 4.9.
    """

    exponent: float
    reference_m: float = 1.0
    shadowing_db: float = 0.0
    seed: int = 0

    @property
    def excess_db(self) -> float:
        """The shadowing, and what an exponent below 2 gains over 13000 km."""
        gained_db = 10.0 * (2.0 - self.exponent) * float(np.log10(FARTHEST_M / self.reference_m))
        return self.shadowing_db + max(gained_db, 0.0)

    def loss_db(self, paths: Paths, frequency_hz: float) -> NDArray[np.float64]:
        """Free-space loss, what the exponent adds or takes up to 13000 km, and the shadowing."""
        beyond = np.clip(paths.distance_m, self.reference_m, FARTHEST_M) / self.reference_m
        loss_db = free_space_loss_db(paths.distance_m, frequency_hz) + 10.0 * (self.exponent - 2.0) * np.log10(beyond)
        if self.shadowing_db:
            first, second = (
                draws.pair_uniform(self.seed, paths.transmitter, paths.receiver, purpose) for purpose in _SHADOWING
            )
            loss_db += self.shadowing_db * (first + second - 1.0)
        return loss_db


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """Losses in dB as given, whatever the distance: `losses[i][j]` from `addresses[i]` to `addresses[j]`, 0 or more.

    The diagonal is not used. Raises ValueError if there is not one loss for each two addresses, or one that is no loss.
    """

    addresses: tuple[int, ...]
    losses: tuple[tuple[float, ...], ...]
    excess_db: float
    _sorted: NDArray[np.int64] = field(init=False, repr=False, compare=False)
    _by_address: NDArray[np.float64] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        n = len(self.addresses)
        if len(set(self.addresses)) != n or len(self.losses) != n or any(len(row) != n for row in self.losses):
            raise ValueError("a matrix of losses has one row and one column for each address")
        table = np.array(self.losses, dtype=np.float64).reshape(n, n)
        np.fill_diagonal(table, 0.0)
        if not (np.isfinite(table) & (table >= 0.0)).all():
            raise ValueError("a loss in a matrix is a number of dB, 0 or more")
        order = np.argsort(self.addresses)
        object.__setattr__(self, "_sorted", np.array(self.addresses, dtype=np.int64)[order])
        object.__setattr__(self, "_by_address", table[np.ix_(order, order)])

    def loss_db(self, paths: Paths, frequency_hz: float) -> NDArray[np.float64]:
        """As given. Raises PropagationError: an address is not in it, or a loss is better than `excess_db` allows."""
        taken = self._by_address[self._rows(paths.transmitter), self._rows(paths.receiver)]
        return _checked(taken, "the matrix", paths.distance_m, frequency_hz, self.excess_db)

    def _rows(self, address: NDArray[np.int64]) -> NDArray[np.intp]:
        rows = np.minimum(np.searchsorted(self._sorted, address), len(self._sorted) - 1)
        unknown = self._sorted[rows] != address
        if unknown.any():
            raise PropagationError(f"the matrix has no losses for {int(address[unknown][0]):06x}")
        return rows


OwnLoss = Callable[[NDArray[Any], float, NDArray[Any], NDArray[Any]], Any]
"""A function of the user's: of distances, the frequency, and the heights of transmitters and receivers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """A function of the user's, called with distances in m, the frequency in Hz and two heights in m: all but the
    frequency are arrays of one length, with 1 or more in them. What it returns is checked. `name` is for messages."""

    function: OwnLoss
    name: str
    excess_db: float

    def loss_db(self, paths: Paths, frequency_hz: float) -> NDArray[np.float64]:
        """What the function returns. Raises PropagationError if it raises, or if what it returns is not to be used."""
        if not len(paths.distance_m):
            return np.zeros(0)
        # Copies: what the function does with its arguments is its own business.
        distance_m = np.maximum(paths.distance_m, LEAST_DISTANCE_M)
        heights_m = (_least_height_m(paths.transmitter_height_m), _least_height_m(paths.receiver_height_m))
        try:
            found = self.function(distance_m, frequency_hz, *heights_m)
        except (Exception, SystemExit) as error:  # whatever the user's function does
            why = " ".join(str(error).split())  # in one line
            raise PropagationError(f"{self.name} raised {type(error).__name__}: {why}") from None
        wanted = f"an array of {len(paths.distance_m)} losses in dB is expected"
        if not isinstance(found, np.ndarray):
            raise PropagationError(f"{self.name} returned {type(found).__name__}: {wanted}")
        if found.shape != paths.distance_m.shape or found.dtype.kind not in "iuf":
            shape = " x ".join(map(str, found.shape)) or "no dimension"
            raise PropagationError(f"{self.name} returned an array of {found.dtype}, {shape}: {wanted}")
        return _checked(np.array(found, dtype=np.float64), self.name, paths.distance_m, frequency_hz, self.excess_db)


_SHADOWING = (1, 2)
"""The purposes of the draws."""
_TOLERANCE_DB = 1e-6


def _least_height_m(height_m: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.maximum(height_m, LEAST_ANTENNA_HEIGHT_M)


def _checked(
    loss_db: NDArray[np.float64], name: str, distance_m: NDArray[np.float64], frequency_hz: float, excess_db: float
) -> NDArray[np.float64]:
    """The losses, if all are numbers from 0 up, and none is better than free space by more than `excess_db`."""
    free_db = np.maximum(free_space_loss_db(distance_m, frequency_hz), 0.0)
    good = (
        np.isfinite(loss_db)
        & (loss_db >= 0.0)
        & (loss_db <= GREATEST_LOSS_DB)
        & (loss_db >= free_db - excess_db - _TOLERANCE_DB)
    )
    if good.all():
        return loss_db
    at = int(np.argmin(good))
    found = f"{name} gave {loss_db[at]:g} dB for {distance_m[at]:.0f} m at {frequency_hz / 1e6:g} MHz"
    if not 0.0 <= loss_db[at] <= GREATEST_LOSS_DB:
        raise PropagationError(f"{found}: a loss of 0 to {GREATEST_LOSS_DB:g} dB is expected")
    raise PropagationError(
        f"{found}, better than free space by {free_db[at] - loss_db[at]:.1f} dB: excess_db allows {excess_db:g}"
    )
