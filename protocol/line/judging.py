"""The judge where there is a ground line: it waits for what the parties say they sent, and judges each by its own word.

Everything is judged `wait_s` after it came, for a manifest may still tell of frames that the monitor missed. Such a
frame counts as sent (9.1). A party's word may clear anybody, and convict its own stations; never another's: so a fail
is what a judge finds who has, of all words, only that of the accused's own party.
"""

from collections import Counter
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from typing import Any

from protocol.accounts import Standing
from protocol.agreement import Agreement, Annexes
from protocol.codec import decode
from protocol.errors import DecodeError
from protocol.heard import Heard, Malformed, Word
from protocol.judge import Judge, Tally
from protocol.line.documents import Manifest, hash_of
from protocol.line.intake import Intake, Refusal
from protocol.line.manifest import Manifests, Said
from protocol.line.names import client_of_party
from protocol.line.presence import Presence, Read
from protocol.messages import TIME_BOUND_NS, instant_ns
from protocol.units import LIGHT_MPS, NM_M, NS_PER_S
from protocol.verdicts import UNATTRIBUTED, Cause, Finding, Outcome

MOST_TOLD = 50_000
"""Of one station so many frames that only its party tells of wait to be judged: more than it can send in that time.
What goes beyond is not looked at."""
FORGET_NS = 120 * NS_PER_S
"""So long the judge remembers which numbers it heard: no manifest comes later that it still waits for."""


class LineJudge:
    """Has everything that a `Judge` has, and is told of documents and of gaps in the line.

    `from_ns` is when the monitor came to the line, `listener` what it is called there.
    """

    def __init__(
        self,
        agreement: Agreement,
        annexes: Annexes,
        on_finding: Callable[[Finding], None] | None = None,
        *,
        from_ns: int,
        listener: str = "",
        each_pass: bool = False,
    ):
        self._presence = Presence(from_ns)
        self._on_finding = on_finding
        parties = [p.name for p in agreement.party]
        made: dict[str, Any] = {"each_pass": each_pass, "line": self._presence, "listener": listener}
        self._all = Judge(agreement, annexes, self._found_by_all, **made)
        """Has the word of everybody: it decides what is kept, and what stays open."""
        self._own = {p: Judge(agreement, annexes, self._found_by(p), **made) for p in (*parties, "")}
        """Each has one party's word alone, and decides what that party fails; the last has nobody's: what it finds was
        proved by what was heard, and no word makes it undone."""
        self._parties = {f"{s.address:06x}": s.party or "" for s in annexes.register_} | {p: p for p in parties}
        self._clients = {s.address: client_of_party(s.party) for s in annexes.register_ if s.party}
        self.intake = Intake(agreement.digest(), annexes.keys)
        self._manifests = Manifests(self._clients)
        self._delay_ns = round(agreement.bounds.range_nm * NM_M / LIGHT_MPS * NS_PER_S)
        self._holds_ns = {c.number: c.longest_hold_ns for c in agreement.channel}
        self._wait_ns = self._all.world.wait_ns
        self._waiting: list[tuple[int, int, Callable[[], None]]] = []
        self._order = count()
        self._judged_ns = 0
        self._heard: dict[tuple[int, int], dict[tuple[int, bytes], int]] = {}
        """When each frame of a session of a party's station was heard or told of, of late, by sequence number and hash:
        what somebody else sends under a number does not take the place of the frame that its party tells of."""
        self._told_waiting: Counter[int] = Counter()
        self._disputed: set[tuple[int, int]] = set()
        self._vouched: set[tuple[int, int]] = set()
        """Sessions of stations of which manifests had no frame that was heard, and had one."""
        self.now_ns = 0

    # ------------------------------------------------------------ what it is told

    def hear(self, heard: Heard) -> None:
        """One frame that the monitor received. Arrivals never go back in time."""
        frame = heard.frame
        if frame.source in self._clients:
            known = self._heard.setdefault((frame.source, frame.session), {})
            known.setdefault((frame.sequence, hash_of(heard.data)), heard.at_ns)
        self._wait(heard.at_ns, lambda: self._judge(heard))

    def hear_malformed(self, heard: Malformed) -> None:
        """Bytes that the monitor received and that are no frame, though their CRC is right."""
        self._wait(heard.at_ns, lambda: self._each(lambda judge: judge.hear_malformed(heard)))

    def hearing_gap(self, from_ns: int, until_ns: int) -> None:
        """The monitor heard nothing in this time, and knows it."""
        self._wait(self.now_ns, lambda: self._each(lambda judge: judge.hearing_gap(from_ns, until_ns)))

    def host_trouble(self, address: int, from_ns: int, until_ns: int | None) -> None:
        """The emulator had trouble of its own with a station (as `Judge.host_trouble`)."""
        self._wait(self.now_ns, lambda: self._each(lambda judge: judge.host_trouble(address, from_ns, until_ns)))

    def document(self, topic: str, payload: bytes, at_ns: int) -> None:
        """Something came over the line."""
        taken = self.intake.take(topic, payload, at_ns)
        if isinstance(taken, Refusal):
            return
        read = Read(taken, at_ns)
        if isinstance(taken.body, Manifest):
            self._manifest(read, taken.body)
        self._wait(at_ns, lambda: self._read(read))

    def line_gap(self, from_ns: int, until_ns: int | None) -> None:
        """The monitor was cut off from the line for a time; None: it still is (as `Presence.cut_off`)."""
        self._presence.cut_off(from_ns, until_ns)

    def advance(self, now_ns: int) -> None:
        """Time passes."""
        self.now_ns = max(self.now_ns, now_ns)
        self._until(self.now_ns - self._wait_ns)

    def close(self, end_ns: int) -> list[Tally]:
        """The recording ends. Returns the tallies in order of clause and subject."""
        self.advance(end_ns)
        self._until(1 << 63)
        self._each(lambda judge: judge.close(self.now_ns))
        return self.so_far()

    # ------------------------------------------------------------ what it says

    @property
    def heard(self) -> dict[int, Counter[Standing]]:
        """What the frames of each registered station could be used for, as counts; of those that were heard."""
        return self._own[""].heard

    def so_far(self) -> list[Tally]:
        """The tallies as they stand, in order of clause and subject."""
        own = {party: {(t.clause, t.subject): t for t in judge.so_far()} for party, judge in self._own.items()}
        found = {(t.clause, t.subject): t for t in self._all.so_far()}
        for tallies in own.values():
            for key in tallies.keys() - found.keys():
                found[key] = Tally(*key)
        return [_joined(found[key], self._decides(own, key)) for key in sorted(found)]

    def _decides(self, own: dict[str, dict[tuple[str, str], Tally]], key: tuple[str, str]) -> Tally | None:
        """Whose fails count: those that the subject's own party's word makes, if it makes any; else nobody's."""
        by_word = own[self._party_of(key[1])].get(key)
        return by_word if by_word and by_word.counts[Outcome.FAIL] else own[""].get(key)

    def _party_of(self, subject: str) -> str:
        """Whose word alone counts against a subject; nobody's against two, or against who is not known."""
        return self._parties.get(subject, "") if subject != UNATTRIBUTED else ""

    def _found_by_all(self, finding: Finding) -> None:
        if self._on_finding and finding.outcome is not Outcome.FAIL:
            self._on_finding(finding)

    def _found_by(self, party: str) -> Callable[[Finding], None]:
        def found(finding: Finding) -> None:
            if self._on_finding is None or finding.outcome is not Outcome.FAIL:
                return
            of = self._party_of(finding.subject)
            tally = self._own[of].tallies.get((finding.clause, finding.subject))
            if of == party or (not party and not (tally and tally.counts[Outcome.FAIL])):
                self._on_finding(finding)

        return found

    # ------------------------------------------------------------ in order of time

    def _wait(self, at_ns: int, then: Callable[[], None]) -> None:
        self.now_ns = max(self.now_ns, at_ns)
        heappush(self._waiting, (at_ns, next(self._order), then))
        self._until(self.now_ns - self._wait_ns)

    def _until(self, at_ns: int) -> None:
        """Judge everything that came before an instant."""
        while self._waiting and self._waiting[0][0] < at_ns:
            self._judged_ns, _, then = heappop(self._waiting)
            then()

    def _each(self, tell: Callable[[Judge], object]) -> None:
        for judge in (self._all, *self._own.values()):
            tell(judge)

    def _read(self, read: Read) -> None:
        self._presence.take(read)
        self._each(lambda judge: judge.read(read))

    def _judge(self, heard: Heard) -> None:
        frame = heard.frame
        early_ns = heard.at_ns - heard.clock_bound_ns - self._delay_ns - self._holds_ns.get(heard.channel, 0)
        late_ns = heard.at_ns + heard.clock_bound_ns
        said = self._manifests.answer(frame.source, frame.session, frame.sequence, heard.data, early_ns, late_ns).said
        told = heard._replace(word=self._word(said, (frame.source, frame.session)))
        self._each(lambda judge: judge.hear(told))
        self._forget(heard.at_ns)

    def _word(self, said: Said, session: tuple[int, int]) -> Word:
        """What is said of a frame; a session of which all that manifests tell is that they do not have it stays so."""
        if said is Said.HAS:
            self._vouched.add(session)
            return Word.HAS
        if said is Said.CONTRADICTS:
            self._disputed.add(session)
            return Word.DISPUTED
        return Word.DISPUTED if session in self._disputed - self._vouched else Word.NONE

    def _tell(self, heard: Heard, party: str) -> None:
        """A frame that only its party tells of."""
        self._told_waiting[heard.frame.source] -= 1
        self._all.hear(heard)
        self._own[party].hear(heard)

    # ------------------------------------------------------------ manifests

    def _manifest(self, read: Read, body: Manifest) -> None:
        found = self._manifests.take(read.document, read.at_ns)
        if found is not None:
            self._wait(read.at_ns, lambda: self._each(lambda judge: judge.contradicted(found, read.at_ns)))
        if not body.frames or not self._manifests.is_word(read.document, body):
            return
        station, party = int(body.station, 16), self._parties[body.station]
        heard = self._heard.get((station, body.session), {})
        last_ns, over_ns = body.from_ns, min(body.until_ns, read.document.at_ns)
        for number, text, digest in zip(count(body.first), body.frames, body.hashes, strict=False):
            sequence = number & 0xFFFF
            if not text:
                continue  # it was not sent
            if (heard_ns := heard.get((sequence, bytes.fromhex(digest)))) is not None:
                last_ns = max(last_ns, heard_ns)
                continue
            if self._told_waiting[station] >= MOST_TOLD:
                return
            told = _told(read, bytes.fromhex(text), (station, body.session, sequence), last_ns + 1, over_ns)
            if told is not None:
                last_ns = told.at_ns
                if told.at_ns >= self._judged_ns:
                    self._heard.setdefault(told.frame.key[:2], {})[sequence, bytes.fromhex(digest)] = told.at_ns
                    self._wait_for(told, party)

    def _wait_for(self, told: Heard, party: str) -> None:
        self._told_waiting[told.frame.source] += 1
        heappush(self._waiting, (told.at_ns, next(self._order), lambda: self._tell(told, party)))

    def _forget(self, at_ns: int) -> None:
        for key, numbers in list(self._heard.items()):
            while numbers and next(iter(numbers.values())) < at_ns - FORGET_NS:
                del numbers[next(iter(numbers))]
            if not numbers:
                del self._heard[key]


def _told(read: Read, data: bytes, key: tuple[int, int, int], least_ns: int, most_ns: int) -> Heard | None:
    """A frame out of a manifest; None if it is no frame, or not the one that it is said to be."""
    try:
        frame = decode(data)
    except DecodeError:
        return None
    if frame.key != key:
        return None
    stamp_ns = instant_ns(frame.time_us, most_ns)
    at_ns = max(least_ns, min(stamp_ns, most_ns))
    name = f"{read.document.id}:{key[0]:06x}/{key[1]}/{key[2]}"
    bound_ns = TIME_BOUND_NS.get(frame.time_quality) or 0
    return Heard(name, at_ns, frame.channel, frame, data, bound_ns, word=Word.TOLD)


def _joined(everybody: Tally, own: Tally | None) -> Tally:
    """What all words together decide, but for the fails: those the judge with one word alone has found.

    A fail that only others' words make stays open: nobody is convicted on the word of the other side.
    """
    fails = [f for f in own.findings if f.outcome is Outcome.FAIL] if own else []
    failed = own.counts[Outcome.FAIL] if own else 0
    by_word = max(everybody.counts[Outcome.FAIL] - failed, 0)
    open_ = [_by_word(f) if f.outcome is Outcome.FAIL and not failed else f for f in everybody.findings]
    joined = Tally(everybody.clause, everybody.subject, dict(everybody.counts), dict(everybody.causes))
    joined.findings = sorted(
        [*fails, *(f for f in open_ if f.outcome is not Outcome.FAIL)], key=lambda f: (f.at_ns, f.outcome)
    )
    joined.nearest, joined.applicable = everybody.nearest, everybody.applicable
    joined.counts[Outcome.FAIL] = failed
    joined.counts[Outcome.INCONCLUSIVE] += by_word
    if by_word:
        joined.causes[Cause.DISPUTED] = joined.causes.get(Cause.DISPUTED, 0) + by_word
    return joined


def _by_word(finding: Finding) -> Finding:
    return finding._replace(
        outcome=Outcome.INCONCLUSIVE,
        summary=f"{finding.summary}; but that rests on the other party's word alone",
        cause=Cause.DISPUTED,
        assumptions=(),
    )


Judging = Judge | LineJudge
"""What a monitor tells of what it hears."""


def judge_of(
    agreement: Agreement,
    annexes: Annexes,
    on_finding: Callable[[Finding], None] | None = None,
    *,
    from_ns: int,
    listener: str,
) -> Judging:
    """The judge for a recording that begins at an instant: with a ground line if the annexes have its keys."""
    if not annexes.keys:
        return Judge(agreement, annexes, on_finding)
    return LineJudge(agreement, annexes, on_finding, from_ns=from_ns, listener=listener)
