"""4.2: nothing is sent twice. A copy proves that somebody did, and not who: anybody can record a frame and send it."""

from collections.abc import Iterable, Iterator
from itertools import takewhile

from protocol.accounts import JOIN_NS, Booked, Standing
from protocol.clauses.base import EVERY_MESSAGE, Tacit, World, address_text
from protocol.terms import NoTerms
from protocol.units import NS_PER_S
from protocol.verdicts import UNATTRIBUTED, Finding, Outcome, Passes

FORGET_EVERY = 16
"""How often, by sequence numbers, old frames are forgotten."""


class NothingTwice:
    id = "4.2"
    title = "nothing twice"
    text = "No frame is sent twice."
    instance = "each frame heard"
    proof = "The same frame was heard again within 600 s, the same in every bit."
    limits = (
        "Anybody can record a frame and send it: it is proved that somebody did, and not who. The subject is "
        "`unattributed`."
    )
    suspended_by = ""
    kind = "X"
    hears_copies = True
    watches = EVERY_MESSAGE

    def __init__(self, world: World, terms: NoTerms):
        self.world = world
        self.passes = Tacit(self.id, world)
        self.heard: dict[tuple[int, int, int], tuple[int, str, bytes]] = {}
        """When, as which and how the last frame of each name was heard, in order of arrival: those of the last ten
        minutes and a few more. No more of them is kept, for they are many."""

    def subjects(self) -> list[str]:
        return [address_text(s.address) for s in self.world.talking()]

    def hear(self, booked: Booked) -> Iterable[Finding]:
        frame = booked.frame
        if frame.source not in self.world.stations:
            return ()
        key = frame.source, frame.session, frame.sequence
        before = self.heard.pop(key, None)
        self.heard[key] = booked.at_ns, booked.id, booked.heard.data
        if not frame.sequence % FORGET_EVERY:
            self._forget(booked.at_ns - JOIN_NS)
        # with other content it is another frame, whose number has come round or whose station is not the only one
        if before is not None and before[2] == booked.heard.data and before[0] >= booked.at_ns - JOIN_NS:
            return (self._again(before[0], before[1], booked),)
        if booked.standing is not Standing.FIRST or self.passes.count(frame.source):
            return ()
        return (Finding(self.id, address_text(frame.source), Outcome.PASS, booked.at_ns),)

    def _forget(self, before_ns: int) -> None:
        # one look along the beginning: the places of those that are deleted are passed over each time
        for key in [*takewhile(lambda key: self.heard[key][0] < before_ns, self.heard)]:
            del self.heard[key]

    def _again(self, before_ns: int, before: str, booked: Booked) -> Finding:
        later_s = (booked.at_ns - before_ns) / NS_PER_S
        subject = address_text(booked.frame.source)
        return Finding(
            clause=self.id,
            subject=UNATTRIBUTED,
            outcome=Outcome.FAIL,
            at_ns=booked.at_ns,
            summary=f"a {booked.frame.type.name} in the name of {subject} was heard again {later_s:.3f} s later, "
            "the same in every bit; anybody can have sent it again",
            evidence=(before, booked.id),
            measured=round(later_s, 3),
            unit="s later",
        )

    def counted(self) -> Iterable[Passes]:
        return self.passes.counted()

    def close(self, end_ns: int) -> Iterator[Finding]:
        yield from ()
