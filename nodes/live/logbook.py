"""What is worth telling of a live run: which processes had trouble, who came and went, and when."""

from collections.abc import Callable

from nodes.flight import Flight
from protocol.units import NS_PER_S


class Logbook:
    """`broken` is trouble with processes and programs; `told` is none of ours, such as stations that come and go."""

    def __init__(self, flight: Flight, now_ns: Callable[[], int]):
        self.broken: list[str] = []
        self.told: list[str] = []
        self._now_ns, self._start_ns = now_ns, flight.start_ns
        self._signs = {s.address: s.call_sign for s in flight.stations}

    def trouble(self, what: str) -> None:
        """A process had trouble."""
        self.broken.append(self._dated(what))

    def tell(self, what: str) -> None:
        """Something else has happened."""
        self.told.append(self._dated(what))

    def sign(self, address: int) -> str:
        """A station as people call it."""
        return f"{self._signs.get(address, 'somebody')} ({address:06x})"

    def _dated(self, what: str) -> str:
        return f"at {(self._now_ns() - self._start_ns) / NS_PER_S:.2f} s: {what}"
