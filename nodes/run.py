"""What every run of a scenario can be asked, virtual or live: between the drivers and what shows their results."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Protocol

from nodes.flight import Flight
from protocol.accounts import Standing
from protocol.judge import Tally
from radio.medium import Outcome


class Run(Protocol):
    """A run of a flight with a seed. `mode` is the verb that began it."""

    mode: str
    flight: Flight
    seed: int

    @property
    def now_ns(self) -> int:
        """Medium time."""
        ...

    @property
    def transmissions(self) -> int:
        """How many frames were on the air so far."""
        ...

    @property
    def outcomes(self) -> Mapping[Outcome, int]:
        """What became of the frames so far."""
        ...

    @property
    def load(self) -> Mapping[str, Any]:
        """How busy the channels were, as `radio.load` counts it."""
        ...

    @property
    def counts(self) -> Mapping[str, int]:
        """What did not go as it should between stations and hub."""
        ...

    @property
    def stretched(self) -> tuple[int, int]:
        """Windows that were held back for our own processes, and for how long in ns by the clock."""
        ...

    @property
    def waited_for(self) -> list[str]:
        """Who keeps medium time standing still, once that has gone on for a while."""
        ...

    @property
    def broken(self) -> list[str]:
        """Which of our own processes or classes had trouble, and when."""
        ...

    @property
    def told(self) -> list[str]:
        """Who came and went, and what else is worth knowing."""
        ...

    def tallies(self) -> list[Tally]:
        """What the first monitor's judge has found so far."""
        ...

    def heard(self) -> Mapping[int, Counter[Standing]]:
        """What the frames that it heard were good for."""
        ...

    def there(self) -> list[int]:
        """The addresses of our own stations that are in the air."""
        ...

    def advance(self, until_ns: int) -> None:
        """Move medium time on to an instant."""
        ...
