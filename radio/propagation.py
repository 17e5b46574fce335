"""How strong, how late and how far a radio wave arrives: pure array functions, no state.

Powers in dB and dBm pass through `round_db` before anything compares or records them, because numpy's logarithms
differ in the last bit between processors.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

SPEED_OF_LIGHT_MPS = 299_792_458.0
THERMAL_NOISE_DBM_PER_HZ = -174.0
# Mean earth radius times 4/3: the usual allowance for refraction in a standard atmosphere (ITU-R P.310, P.834).
EFFECTIVE_EARTH_RADIUS_M = 6_371_000.0 * 4 / 3
# An antenna on a vehicle or a mast. Heights above the ellipsoid may be negative on dry land; a root may not.
LEAST_ANTENNA_HEIGHT_M = 1.0
# Two stations at the same place would otherwise have an infinite power.
LEAST_DISTANCE_M = 1.0
# Stands for "no power at all" where a logarithm is taken: -3000 dBm.
_LEAST_POWER_MW = 1e-300


def round_db(value_db: ArrayLike) -> NDArray[np.float64]:
    """The value to 0.1 dB: always the float nearest to a whole number of tenths, so equal values compare equal."""
    tenths: NDArray[np.float64] = np.rint(np.asarray(value_db, dtype=np.float64) * 10.0)
    return tenths / 10.0 + 0.0  # adding zero turns -0.0, which prints otherwise, into 0.0


def free_space_loss_db(distance_m: ArrayLike, frequency_hz: float) -> NDArray[np.float64]:
    """Free-space path loss in dB, not rounded; distances under 1 m count as 1 m. Source: ITU-R P.525, equation 3."""
    wavelength_m = SPEED_OF_LIGHT_MPS / frequency_hz
    return 20.0 * np.log10(4.0 * np.pi / wavelength_m * np.maximum(distance_m, LEAST_DISTANCE_M))


def radio_horizon_m(height_a_m: ArrayLike, height_b_m: ArrayLike) -> NDArray[np.float64]:
    """Greatest distance in metres at which two antennas see each other over a smooth 4/3 earth.

    The sum of sqrt(2 k R h): 4.12 km times the root of each height in metres. Heights under 1 m count as 1 m.
    """
    root_a = np.sqrt(np.maximum(height_a_m, LEAST_ANTENNA_HEIGHT_M))
    root_b = np.sqrt(np.maximum(height_b_m, LEAST_ANTENNA_HEIGHT_M))
    reach: NDArray[np.float64] = np.sqrt(2.0 * EFFECTIVE_EARTH_RADIUS_M) * (root_a + root_b)
    return reach


def propagation_delay_ns(distance_m: ArrayLike) -> NDArray[np.int64]:
    """Time of flight at the speed of light in vacuum, to the nearest nanosecond."""
    return np.rint(np.asarray(distance_m, dtype=np.float64) * (1e9 / SPEED_OF_LIGHT_MPS)).astype(np.int64)


def sensitivity_dbm(noise_figure_db: ArrayLike, bandwidth_hz: float, required_snr_db: ArrayLike) -> NDArray[np.float64]:
    """Weakest power in dBm that can be received, not rounded: thermal noise in the band, noise figure, required SNR."""
    noise_dbm = THERMAL_NOISE_DBM_PER_HZ + 10.0 * np.log10(bandwidth_hz) + np.asarray(noise_figure_db)
    result: NDArray[np.float64] = noise_dbm + np.asarray(required_snr_db)
    return result


def milliwatts(power_dbm: ArrayLike) -> NDArray[np.float64]:
    """Power in mW of a power in dBm."""
    return np.power(10.0, np.asarray(power_dbm, dtype=np.float64) / 10.0)


def decibel_milliwatts(power_mw: ArrayLike) -> NDArray[np.float64]:
    """Power in dBm of a power in mW, not rounded; no power at all gives -3000 dBm."""
    return 10.0 * np.log10(np.maximum(power_mw, _LEAST_POWER_MW))
