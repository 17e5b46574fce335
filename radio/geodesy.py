"""Positions on the earth: WGS-84 geodetic coordinates to earth-centred, earth-fixed metres. Pure arithmetic only."""

from math import cos, radians, sin, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

SEMI_MAJOR_M = 6_378_137.0
FLATTENING = 1 / 298.257223563
_ECCENTRICITY_SQUARED = FLATTENING * (2 - FLATTENING)


def ecef_m(latitude_deg: ArrayLike, longitude_deg: ArrayLike, height_m: ArrayLike) -> NDArray[np.float64]:
    """Earth-centred, earth-fixed x, y, z in metres: shape (3,) for one point, (..., 3) for arrays of points.

    Latitude is geodetic, north positive; longitude east positive; height is above the ellipsoid.
    Source: NIMA TR8350.2 (WGS-84), equation 4-14.
    """
    if isinstance(latitude_deg, float) and isinstance(longitude_deg, float) and isinstance(height_m, float):
        return np.array(_ecef_of_one_m(latitude_deg, longitude_deg, height_m))
    latitude, longitude = np.radians(latitude_deg), np.radians(longitude_deg)
    height = np.asarray(height_m, dtype=np.float64)
    sine, cosine = np.sin(latitude), np.cos(latitude)
    prime_vertical_m = SEMI_MAJOR_M / np.sqrt(1 - _ECCENTRICITY_SQUARED * sine * sine)
    from_axis_m = (prime_vertical_m + height) * cosine
    return np.stack(
        np.broadcast_arrays(
            from_axis_m * np.cos(longitude),
            from_axis_m * np.sin(longitude),
            (prime_vertical_m * (1 - _ECCENTRICITY_SQUARED) + height) * sine,
        ),
        axis=-1,
    )


def _ecef_of_one_m(latitude_deg: float, longitude_deg: float, height_m: float) -> tuple[float, float, float]:
    """The same for one point, without the price of arrays; a test holds the two to each other."""
    latitude, longitude = radians(latitude_deg), radians(longitude_deg)
    sine, cosine = sin(latitude), cos(latitude)
    prime_vertical_m = SEMI_MAJOR_M / sqrt(1 - _ECCENTRICITY_SQUARED * sine * sine)
    from_axis_m = (prime_vertical_m + height_m) * cosine
    up_m = (prime_vertical_m * (1 - _ECCENTRICITY_SQUARED) + height_m) * sine
    return from_axis_m * cos(longitude), from_axis_m * sin(longitude), up_m


def ecef_velocity_mps(
    latitude_deg: float, longitude_deg: float, north_mps: float, east_mps: float, up_mps: float
) -> NDArray[np.float64]:
    """A local velocity as earth-centred, earth-fixed x, y, z in m/s: the columns north, east, up of the local frame.

    Source: NIMA TR8350.2 (WGS-84), the rotation between local-level and earth-fixed axes.
    """
    latitude, longitude = radians(latitude_deg), radians(longitude_deg)
    sine_lat, cosine_lat = sin(latitude), cos(latitude)
    sine_lon, cosine_lon = sin(longitude), cos(longitude)
    outward_mps = cosine_lat * up_mps - sine_lat * north_mps
    return np.array(
        [
            outward_mps * cosine_lon - sine_lon * east_mps,
            outward_mps * sine_lon + cosine_lon * east_mps,
            sine_lat * up_mps + cosine_lat * north_mps,
        ]
    )
