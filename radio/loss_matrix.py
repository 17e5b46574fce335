"""The reading of a matrix of losses from CSV, which names stations by their call signs. Text, but no files."""

import math
from collections.abc import Mapping, Sequence

from radio.propagation import Matrix
from radio.tables import Table

CALL_SIGN = "call_sign"
"""What flaws name the column by if they are about who is in the matrix."""
MOST_LOSS_DB = 1000.0


def parse_matrix(text: str, addresses: Mapping[str, int], excess_db: float) -> Matrix:
    """A matrix from CSV: receivers in the first row after an empty cell, then rows of a transmitter and its losses.

    `addresses` are those of all stations by call sign: each is a transmitter and a receiver once, in any order. Losses
    are dB, 0 to 1000; from a station to itself the cell may be empty. Raises TableError with everything that is wrong.
    """
    table = Table(text)
    line, (corner, *receivers) = table.rows[0]
    if corner:
        table.wrong(line, "first cell", repr(corner), "an empty cell, then the receivers' call signs")
    _check_names(table, [(line, name) for name in receivers], addresses, "receiver", line)
    transmitters = [(line, cells[0]) for line, cells in table.rows[1:]]
    _check_names(table, transmitters, addresses, "transmitter", 0)
    losses: dict[tuple[str, str], float] = {}
    for line, (transmitter, *cells) in table.rows[1:]:
        if table.check_length(line, [transmitter, *cells], 1 + len(receivers)):
            for receiver, cell in zip(receivers, cells, strict=True):
                own = transmitter == receiver and not cell
                within = (0.0, MOST_LOSS_DB)
                loss_db = math.nan if own else table.number(line, f"loss to {receiver}", cell, within, "dB")
                losses[transmitter, receiver] = loss_db
    table.done()
    return Matrix(
        addresses=tuple(addresses.values()),
        losses=tuple(tuple(losses[a, b] for b in addresses) for a in addresses),
        excess_db=excess_db,
    )


def _check_names(
    table: Table, names: Sequence[tuple[int, str]], addresses: Mapping[str, int], what: str, line_of_all: int
) -> None:
    """Flaws for names that nobody has, that come twice, or that are missing."""
    seen: set[str] = set()
    for line, name in names:
        if name not in addresses:
            table.wrong(line, CALL_SIGN, repr(name), f"a station of the scenario; there are {sorted(addresses)}")
        elif name in seen:
            table.wrong(line, CALL_SIGN, repr(name), f"each {what} once")
        seen.add(name)
    if missing := sorted(addresses.keys() - seen):
        table.wrong(line_of_all, CALL_SIGN, f"no {what} {', '.join(missing)}", "every station of the scenario")
