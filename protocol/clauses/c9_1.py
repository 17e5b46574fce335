"""9.1: frames are their sender's: each party publishes, signed, what its stations sent."""

from collections import Counter, deque
from collections.abc import Iterable, Iterator

from protocol.accounts import Booked, Standing
from protocol.clauses.base import EVERY_MESSAGE, World, address_text
from protocol.heard import Word
from protocol.line.manifest import Contradiction
from protocol.line.presence import Read
from protocol.terms import ManifestTerms
from protocol.verdicts import SIGNED, UNATTRIBUTED, Cause, Finding, Outcome, Passes


class OwnWord:
    id = "9.1"
    title = "frames vouched for"
    text = (
        "Every {every_s:g} s each party publishes on the ground line, signed, which frames each of its stations sent; "
        "every frame heard in their name is among them."
    )
    instance = "the first copy of a frame heard; and a manifest that contradicts an earlier one"
    proof = (
        "A frame: its party's manifests cover its time and do not have it; who sent it is not known. A party: two "
        "manifests that it signed cannot both be true."
    )
    limits = (
        "A party that disowns a frame of its own makes it nobody's: no clause uses such a frame. That a manifest does "
        "not come in time proves nothing. Two manifests whose times overlap in part are held against each other only "
        "where both give a number; at the edge of a time that no manifest adjoins, 50 ms are left open."
    )
    suspended_by = ""
    kind = "G"
    hears_copies = False
    watches = EVERY_MESSAGE

    def __init__(self, world: World, terms: ManifestTerms):
        self.world = world
        self.passed: Counter[str] = Counter()
        self.waiting: deque[tuple[int, str, str]] = deque()
        """Frames that no manifest has told of yet: when, whose, and their ids."""

    def subjects(self) -> list[str]:
        return sorted(p.name for p in self.world.agreement.party)

    def hear(self, booked: Booked) -> Iterable[Finding]:
        heard, station = booked.heard, self.world.stations.get(booked.frame.source)
        if station is None or station.party is None:
            return ()
        if heard.word is Word.DISPUTED:
            return (self._disputed(booked),)
        if booked.standing is not Standing.FIRST:
            return ()
        if heard.word is Word.HAS:
            if self.world.each_pass:
                return (Finding(self.id, station.party, Outcome.PASS, booked.at_ns),)
            self.passed[station.party] += 1
        else:
            self.waiting.append((booked.at_ns, station.party, booked.id))
        return ()

    def _disputed(self, booked: Booked) -> Finding:
        source = address_text(booked.frame.source)
        return Finding(
            clause=self.id,
            subject=UNATTRIBUTED,
            outcome=Outcome.FAIL,
            at_ns=booked.at_ns,
            summary=f"a frame in the name of {source} that its party's manifests do not have: disputed, nobody's",
            evidence=(booked.id,),
            assumptions=(SIGNED,),
        )

    def contradicted(self, found: Contradiction, at_ns: int) -> Finding:
        """Two manifests of one party."""
        source = address_text(found.station)
        return Finding(
            clause=self.id,
            subject=self.world.clients[found.party],
            outcome=Outcome.FAIL,
            at_ns=at_ns,
            summary=f"two manifests contradict each other on frame {found.number} of session {found.session} of "
            f"{source}",
            evidence=(found.earlier, found.later),
            assumptions=(SIGNED,),
        )

    def read(self, read: Read) -> Iterable[Finding]:
        return ()

    def settle(self, now_ns: int) -> Iterator[Finding]:
        line = self.world.line
        while self.waiting and self.waiting[0][0] + self.world.wait_ns < now_ns:
            at_ns, party, name = self.waiting.popleft()
            cut = line is not None and line.gap(at_ns, at_ns + self.world.wait_ns)
            yield Finding(
                clause=self.id,
                subject=party,
                outcome=Outcome.INCONCLUSIVE,
                at_ns=at_ns,
                summary="no manifest tells of this frame",
                evidence=(name,),
                cause=Cause.LINE_GAP if cut else Cause.NO_MANIFEST,
            )

    def counted(self) -> Iterable[Passes]:
        passed, self.passed = self.passed, Counter()
        for party, count in sorted(passed.items()):
            yield Passes(self.id, party, count, None)

    def close(self, end_ns: int) -> Iterator[Finding]:
        yield from self.settle(end_ns)
        for at_ns, party, name in self.waiting:
            yield Finding(self.id, party, Outcome.PENDING, at_ns, evidence=(name,))
        self.waiting.clear()
