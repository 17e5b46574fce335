"""Breaches of circumstance that wait: another copy of the frame may be heard, and then it is not known whose it was."""

from collections.abc import Callable, Iterable, Iterator

from protocol.accounts import JOIN_NS, Booked, Standing
from protocol.clauses.base import not_fresh
from protocol.messages import FrameKey
from protocol.verdicts import Finding, Outcome


class Suspects:
    """Findings by the frame that they are about, until no copy of it is waited for any more."""

    def __init__(self) -> None:
        self._waiting: dict[FrameKey, Finding] = {}
        """In order of arrival."""
        self._repeated: dict[FrameKey, int] = {}
        """When a copy or a stale frame was last heard, by what it names."""

    @property
    def idle(self) -> bool:
        """Whether nothing waits, and nothing has been repeated lately."""
        return not self._waiting and not self._repeated

    def around(self, booked: Booked, judge: Callable[[Booked], Iterable[Finding]]) -> Iterable[Finding]:
        """What a frame settles, and what a clause finds of it if it is a first copy."""
        if booked.standing is not Standing.FIRST:
            return tuple(self.hear(booked))
        return judge(booked) if self.idle else (*self.hear(booked), *judge(booked))

    def hear(self, booked: Booked) -> Iterator[Finding]:
        """What a frame settles: breaches so old that no other copy is waited for any more, and the one of which this
        is another copy."""
        before_ns, key = booked.at_ns - JOIN_NS, booked.frame.key
        while self._waiting and next(iter(self._waiting.values())).at_ns < before_ns:
            yield self._waiting.pop(next(iter(self._waiting)))
        while self._repeated and next(iter(self._repeated.values())) < before_ns:
            del self._repeated[next(iter(self._repeated))]
        if booked.standing is not Standing.FIRST:
            self._repeated.pop(key, None)
            self._repeated[key] = booked.at_ns
            suspect = self._waiting.pop(key, None)
            if suspect is not None:
                yield not_fresh(suspect)

    def take(self, booked: Booked, finding: Finding) -> Iterator[Finding]:
        """What a clause finds of a frame, unless it is a fail that waits."""
        if finding.outcome is not Outcome.FAIL:
            yield finding
        elif booked.frame.key in self._repeated:
            yield not_fresh(finding)
        else:
            self._waiting[booked.frame.key] = finding

    def close(self) -> Iterator[Finding]:
        """The recording ends: what waits stands."""
        yield from self._waiting.values()
        self._waiting.clear()
