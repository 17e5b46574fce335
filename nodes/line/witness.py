"""What a monitor says on the ground line: that it is there, and, if it judges, what it has found."""

from collections.abc import Callable, Iterator

from protocol.judge import Tally
from protocol.line.documents import Body, Document, Heartbeat, Verdict


class Witness:
    """A monitor's part. `tallies` gives what its judge has found so far; None: it does not judge."""

    def __init__(self, now_ns: int, every_ns: int, tallies: Callable[[], list[Tally]] | None):
        self.next_ns = now_ns
        self._every_ns, self._tallies = every_ns, tallies
        self._told: dict[tuple[str, str], str] = {}

    def wake(self, now_ns: int) -> Iterator[Body]:
        """Time has come so far: it says that it is there, and which verdicts have changed."""
        if now_ns < self.next_ns:
            return
        self.next_ns += self._every_ns
        yield Heartbeat()
        for tally in self._tallies() if self._tallies else ():
            key, label = (tally.clause, tally.subject), tally.verdict.label
            if self._told.get(key) != label:
                self._told[key] = label
                counts = {outcome.value: count for outcome, count in tally.counts.items()}
                yield Verdict.model_validate(
                    {"clause": tally.clause, "subject": tally.subject, "verdict": label, "counts": counts}
                )

    def read(self, now_ns: int, document: Document) -> Iterator[Body]:
        """A document came: it answers none."""
        yield from ()
