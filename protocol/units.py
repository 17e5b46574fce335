"""Conversion factors, exact by definition."""

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000
NM_M = 1852.0
FT_M = 0.3048
KT_MPS = NM_M / 3600
G_MPS2 = 9.80665
LIGHT_MPS = 299_792_458.0


def seconds_ns(seconds: float) -> int:
    """Seconds as whole nanoseconds."""
    return round(seconds * NS_PER_S)
