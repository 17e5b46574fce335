"""Who is seen on the ground line, and when the monitor was cut off from it: what proofs about the line rest on."""

from collections import deque
from itertools import pairwise
from typing import NamedTuple

from protocol.line.documents import Document
from protocol.units import NS_PER_S

REMEMBERED = 4096
"""Documents of each client that are remembered: with a heartbeat every 20 s those of a day, nearly."""
ALIKE_NS = NS_PER_S
"""Of those that are written and come so soon after one another the first is enough: a flood pushes out no proof."""
MOST_GAPS = 1000
"""Of more, two old ones are made one."""
COMES_NS = 5 * NS_PER_S
"""What the broker had kept comes so soon after the monitor."""
PROMPT_NS = 10 * NS_PER_S
"""A document that came so soon after it was issued shows that its sender and the broker were there."""


class Read(NamedTuple):
    """A document that was accepted. `at_ns` is when it came, by the monitor's clock."""

    document: Document
    at_ns: int


class _Seen(NamedTuple):
    at_ns: int
    issued_ns: int


class Presence:
    """What is known of the line itself. Documents are taken in the order in which they came."""

    def __init__(self, from_ns: int) -> None:
        self.from_ns = from_ns
        """When the monitor came to the line: nothing is known of before."""
        self._gaps: dict[int, int | None] = {}
        """Until when the monitor was cut off, by since when; None: it is not over."""
        self._seen: dict[str, deque[_Seen]] = {}

    def take(self, read: Read) -> None:
        """A document came. One that the broker kept from before shows nobody's presence."""
        if not self.dated_before(read.document):
            seen = self._seen.setdefault(read.document.sender, deque(maxlen=REMEMBERED))
            new = _Seen(read.at_ns, read.document.at_ns)
            if not seen or max(new.at_ns - seen[-1].at_ns, abs(new.issued_ns - seen[-1].issued_ns)) >= ALIKE_NS:
                seen.append(new)

    def from_before(self, read: Read) -> bool:
        """Whether a document was issued before the monitor came, by its sender's word, and the broker had kept it: then
        it came with the monitor, or later if the monitor was cut off as it came. What came to the broker while the
        monitor was cut off later is none of it."""
        late = [b for a, b in self._gaps.items() if b is not None and a <= self.from_ns + COMES_NS]
        comes = [self.from_ns, *late]
        return self.dated_before(read.document) and any(0 <= read.at_ns - at_ns <= COMES_NS for at_ns in comes)

    def dated_before(self, document: Document) -> bool:
        """Whether it says that it was issued before the monitor came."""
        return document.at_ns < self.from_ns

    def cut_off(self, from_ns: int, until_ns: int | None) -> None:
        """The monitor was cut off for a time (None: it is not over). Told again with the same begin, it is the same."""
        self._gaps[from_ns] = until_ns
        if len(self._gaps) > MOST_GAPS:  # one that is too long accuses nobody
            first, second = list(self._gaps)[1:3]
            self._gaps[first] = self._gaps.pop(second)

    def gap(self, from_ns: int, until_ns: int) -> bool:
        """Whether the monitor was cut off at any time between two instants. Before it came, it was not."""
        return any(a <= until_ns and (b is None or from_ns <= b) for a, b in self._gaps.items())

    def proved(self, client: str, after_ns: int, until_ns: int) -> bool:
        """Whether something that a client issued after an instant came by another: so it had got all until then."""
        return any(after_ns < seen.issued_ns and seen.at_ns <= until_ns for seen in self._seen.get(client, ()))

    def says_it_wrote(self, client: str, from_ns: int, until_ns: int, apart_ns: int) -> bool:
        """Whether by their dates documents of a client, whenever they came, lie no further apart all along between two
        instants: then it was cut off, or they are dated back."""
        dates = sorted({from_ns, until_ns, *(s.issued_ns for s in self._seen.get(client, ()) if s.at_ns >= from_ns)})
        within = [at_ns for at_ns in dates if from_ns <= at_ns <= until_ns]
        return len(within) > 2 and all(b - a <= apart_ns for a, b in pairwise(within))

    def witnesses(self, but: set[str], from_ns: int, until_ns: int, apart_ns: int) -> list[str]:
        """The clients, other than some, that were seen all along between two instants: prompt documents no further
        apart, from before `from_ns` to after `until_ns`."""
        return [c for c in sorted(self._seen) if c not in but and self._all_along(c, from_ns, until_ns, apart_ns)]

    def _all_along(self, client: str, from_ns: int, until_ns: int, apart_ns: int) -> bool:
        prompt = [s.at_ns for s in self._seen[client] if s.at_ns - s.issued_ns <= PROMPT_NS]
        before = [at for at in prompt if at <= from_ns][-1:]
        within = [*before, *(at for at in prompt if from_ns < at)]
        for a, b in pairwise(within):
            if a >= until_ns:
                break
            if b - a > apart_ns:
                return False
        return bool(before) and within[-1] >= until_ns
