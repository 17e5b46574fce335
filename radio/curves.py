"""Curves: which share of frames is received at which SINR. Frozen values and data; the reading of text, but no files.

Between the points of a curve the success rises in a straight line; below the first point there is none, beyond the last
it stays as there.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radio.tables import Table

REFERENCE_BYTES = 64
LEAST_SINR_DB, MOST_SINR_DB = -100.0, 200.0
COLUMNS = ["sinr_db", "success"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Success (0 to 1, not falling, at last above 0) by SINR in dB (rising, -100 to 200), for frames of
    `reference_bytes`. Raises ValueError for points that are not so."""

    sinr_db: tuple[float, ...]
    success: tuple[float, ...]
    reference_bytes: int = REFERENCE_BYTES

    def __post_init__(self) -> None:
        sinr, success = np.array(self.sinr_db, dtype=np.float64), np.array(self.success, dtype=np.float64)
        if sinr.shape != success.shape or not len(sinr) or self.reference_bytes < 1:
            raise ValueError("a curve has one success for each SINR, one at least, for frames of 1 byte or more")
        inside = (sinr >= LEAST_SINR_DB) & (sinr <= MOST_SINR_DB) & (success >= 0.0) & (success <= 1.0)
        if not inside.all() or not (np.diff(sinr) > 0.0).all() or not (np.diff(success) >= 0.0).all():
            raise ValueError("SINR rises within -100 to 200 dB, and success does not fall within 0 to 1")
        if not success[-1] > 0.0:
            raise ValueError("a curve with no success at all: nothing would ever be received")

    def probabilities(self, n_bytes: int) -> tuple[int, NDArray[np.float64]]:
        """(first, table): the success of frames of `n_bytes` at each whole tenth of dB of SINR, from `first` on.

        Each byte has the same chance, so it is success ** (n_bytes / reference_bytes). Below `first` there is none,
        beyond the table it stays as at its end. Raises ValueError for no bytes.
        """
        if n_bytes < 1:
            raise ValueError(f"a frame has at least one byte, not {n_bytes}")
        around = np.arange(int(self.sinr_db[0] * 10) - 2, int(self.sinr_db[-1] * 10) + 3)
        # 33 / 10.0 is the float that 3.3 in a file is, so a point on a tenth is met exactly.
        sinr_db = around / 10.0
        last = int(np.argmax(sinr_db >= self.sinr_db[-1]))
        tenths, sinr_db = around[: last + 1], sinr_db[: last + 1]
        table = np.power(self._success_at(sinr_db), n_bytes / self.reference_bytes)
        first = int(np.argmax(table > 0.0)) if table[-1] > 0.0 else last
        return int(tenths[first]), table[first:]

    def _success_at(self, sinr_db: NDArray[np.float64]) -> NDArray[np.float64]:
        """The success of frames of `reference_bytes`. By shares of the way: numpy's interp goes by slopes, which may be
        infinite between points that nearly coincide."""
        points_db = np.array([*self.sinr_db, self.sinr_db[-1] + 1.0])
        success = np.array([*self.success, self.success[-1]])
        place = np.clip(np.searchsorted(points_db, sinr_db, side="right") - 1, 0, len(self.sinr_db) - 1)
        share = (np.maximum(sinr_db, points_db[0]) - points_db[place]) / (points_db[place + 1] - points_db[place])
        between = np.minimum(success[place] + share * (success[place + 1] - success[place]), success[place + 1])
        return np.where(sinr_db < points_db[0], 0.0, between)


STEP = Curve(sinr_db=(10.0,), success=(1.0,))
"""None below 10 dB, all from there on."""

VHF_25KHZ = Curve(
    sinr_db=tuple(map(float, range(8, 23))),
    success=(
        0.0,
        3.3e-8,
        1.8496e-5,
        0.001863605,
        0.039657604,
        0.239115833,
        0.590526484,
        0.857807708,
        0.967309675,
        0.995045305,
        0.999534874,
        0.999975784,
        0.999999398,
        0.999999994,
        1.0,
    ),
)
"""D8PSK at 10500 symbols/s, 31.5 kb/s, in 25 kHz, as VHF Digital Link Mode 2 has it; without its error correction.

Differential detection of many phases is 3 dB worse than coherent detection: a symbol is wrong with
Ps = erfc(sqrt(Es/N0 / 2) sin(pi/8)), Es/N0 = SINR x 25000/10500. Success is (1 - Ps) ** (512/3) for 64 bytes of three
bits a symbol, rounded to nine digits. Source: Proakis, Digital Communications (4th ed.), 5.2.7 and 5.2.8; the
modulation: ICAO Annex 10, Volume III, Part I, chapter 6.
"""

WIDE_1MBPS = Curve(
    sinr_db=tuple(map(float, range(6, 19))),
    success=(
        0.0,
        1e-9,
        1.6114e-5,
        0.007855494,
        0.177670144,
        0.623226737,
        0.91153542,
        0.988169415,
        0.999101428,
        0.999965212,
        0.99999942,
        0.999999997,
        1.0,
    ),
)
"""Binary pulse position or frequency shift keying at 1 Mb/s in 1 MHz, detected without phase, without error correction.

Two orthogonal signals: a bit is wrong with Pb = exp(-Eb/N0 / 2) / 2, Eb/N0 = SINR. Success is (1 - Pb) ** 512 for 64
bytes, rounded to nine digits. Source: Proakis, Digital Communications (4th ed.), 5.4.
"""

PRESETS = {"step": STEP, "vhf_25khz": VHF_25KHZ, "wide_1mbps": WIDE_1MBPS}


def parse_curve(text: str) -> Curve:
    """A curve from CSV with the columns `sinr_db` and `success`. Raises TableError with everything that is wrong."""
    table = Table(text)
    line, header = table.rows[0]
    if sorted(header) != COLUMNS:
        table.wrong(line, "header", ",".join(header), "the columns sinr_db and success")
        table.done()
    if len(table.rows) == 1:
        table.wrong(line, "row", "no more rows", "a row for each point, one at least")
    points: list[tuple[float, float]] = []
    for line, cells in table.rows[1:]:
        if not table.check_length(line, cells, 2):
            continue
        by_name = dict(zip(header, cells, strict=True))
        sinr_db = table.number(line, "sinr_db", by_name["sinr_db"], (LEAST_SINR_DB, MOST_SINR_DB), "dB")
        success = table.number(line, "success", by_name["success"], (0.0, 1.0), "a share")
        if points and sinr_db <= points[-1][0]:
            table.wrong(line, "sinr_db", repr(by_name["sinr_db"]), f"more than the {points[-1][0]:g} before it")
        if points and success < points[-1][1]:
            table.wrong(line, "success", repr(by_name["success"]), f"not less than the {points[-1][1]:g} before it")
        points.append((sinr_db, success))
    if points and points[-1][1] == 0.0:
        table.wrong(table.rows[-1][0], "success", "0", "more than 0 at last: nothing would ever be received")
    table.done()
    return Curve(sinr_db=tuple(s for s, _ in points), success=tuple(s for _, s in points))
