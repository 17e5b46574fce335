"""Twin of 4.7: announced silences, too late, too long, or longer than announced, and some of it is not heard."""

from itertools import pairwise
from random import Random
from typing import NamedTuple

import pytest

from protocol.messages import Emcon, Message, Position
from protocol.verdicts import Outcome
from tests.protocol.conftest import Monitor
from tests.protocol.traffic import A_TEXT, A, B, hail
from tests.protocol.twins.trace import IDENT, MORE, REPORT, Sent, Trace, agree, counting, heard, judged, replayed, shown

PASS, FAIL, INCONCLUSIVE = Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE
LONGEST_S, NOTICE_S, LIMIT_S = 20, 10.0, 5.0
SILENT = agree(c4_7={"longest_s": LONGEST_S, "notice_s": NOTICE_S}, c4_1={"limit_s": LIMIT_S})
WORST = [PASS, INCONCLUSIVE, FAIL]
ROUNDED_S = 1.0
"""Of a time in whole seconds."""


class Silence(NamedTuple):
    """As it truly was meant."""

    session: int
    serial: int
    announced_s: float
    begin_s: float
    duration_s: int

    @property
    def end_s(self) -> float:
        return self.begin_s + self.duration_s


class Story(NamedTuple):
    silences: list[Silence]
    trace: Trace


def story(random: Random, loss: float) -> Story:
    """A flies, and is silent twice, perhaps in two sessions; its whole seconds are rounded up or down."""
    trace: Trace = []
    silences: list[Silence] = []
    at_s, session, serial, up = 0.1, 1, random.choice((0, 255)), True
    reports = random.choice((1.0, 1.0, 1.0, 0.0))

    def send(message: Message) -> None:
        trace.append(Sent(at_s, A, 0, message, heard=random.random() >= loss, session=session))

    def fly(until_s: float) -> None:
        nonlocal at_s
        while at_s < until_s:
            is_report = random.random() < 0.9 * reports
            send(REPORT._replace(emcon=serial, airborne=up) if is_report else IDENT)
            at_s = round(at_s + random.choice((0.9, 1.1)), 3)

    def announce(begin_s: float, duration_s: int) -> None:
        nonlocal at_s
        at_s = round(at_s + 0.04, 3)  # so that nothing lies on a limit
        left_s = begin_s - at_s
        send(Emcon(serial, max(int(left_s) + random.choice((0, 1)), 0), duration_s, 1))
        at_s = round(at_s + 0.26, 3)

    for _ in range(2):
        fly(at_s + random.choice((0.0, 3.0, 14.0)))
        serial = serial % 255 + 1
        begin_s = round(at_s + random.choice((2.4, 5.4, 7.4, 11.4, 13.4, 16.4)), 3)
        duration_s = random.choice((6, 6, 9, 15, 15, 25))
        silences.append(Silence(session, serial, at_s, begin_s, duration_s))
        announce(begin_s, duration_s)
        for _ in range(random.choice((0, 1, 2))):
            if random.random() < 0.1 and begin_s - at_s > 4.5:
                begin_s = round(begin_s - 4, 3)  # it says so, and perhaps too late
                silences[-1] = silences[-1]._replace(begin_s=begin_s)
            fly(min(at_s + 2.5, begin_s))
            if at_s < begin_s:
                announce(begin_s, duration_s)
        fly(begin_s)
        if random.random() < 0.2:
            at_s = round(begin_s + 2.2, 3)
            send(hail(B))
        up = up and random.random() > 0.1
        if random.random() < 0.15:
            session += 1
            serial = 0
        at_s = round(silences[-1].end_s + random.choice((0.45, 0.45, 2.45, 3.45, 7.25, 7.25, 12.45, 40.45)), 3)
        if random.random() < 0.2:
            send(IDENT)
            at_s = round(at_s + 0.5, 3)
    fly(at_s + 5)
    begin = random.choice((0, 0, 65530))
    parts = [counting([s for s in trace if s.session == number]) for number in range(1, session + 1)]
    whole = [s._replace(number=s.number + (begin if s.session == 1 else 0)) for part in parts for s in part]
    return Story(silences, whole)


Which = tuple[int, int, str]


def found_of(trace: Trace) -> dict[Which, Outcome]:
    """What was found, by session, serial, and whether of the announcement or of the end."""
    ears = heard(trace)
    monitor: Monitor = judged(trace, SILENT, 400.0)
    arrived = sorted(ears, key=lambda s: s.at_s + s.late_s)
    found: dict[Which, Outcome] = {}
    for finding in monitor.findings:
        if (finding.clause, finding.subject) == ("4.7", A_TEXT):
            first, *more = (arrived[int(name[3:]) - 1] for name in finding.evidence)
            last = more[-1] if more else first
            emcon = first.message
            if isinstance(emcon, Emcon) and more and getattr(last.message, "serial", None) != emcon.serial:
                found[first.session, emcon.serial, "end"] = finding.outcome
            else:
                assert isinstance(last.message, Emcon)
                key = last.session, last.message.serial, "announcement"
                found[key] = max(found.get(key, PASS), finding.outcome, key=WORST.index)
    return found


def of_session(known: Trace, session: int) -> Trace:
    return [s for s in known if s.session == session]


def emcons(known: Trace, serial: int) -> Trace:
    return [s for s in known if isinstance(s.message, Emcon) and s.message.serial == serial]


def begins_s(sent: Sent) -> float:
    assert isinstance(sent.message, Emcon)
    return sent.at_s + sent.message.from_s


def ends_s(sent: Sent) -> float:
    assert isinstance(sent.message, Emcon)
    return begins_s(sent) + sent.message.duration_s


def news(said: Trace) -> Trace:
    """Of the announcements of one serial those that say something else than the one before."""
    return [b for a, b in pairwise(said) if abs(begins_s(b) - begins_s(a)) > 2 * ROUNDED_S]


def announcement(known: Trace, serial: int, anew: bool) -> Outcome:
    """The plain reading, of what was heard of a session in which the serial was heard to be announced: the worst of
    what is to be said of its first announcement, and of each that says something else than the one before. `anew`:
    another session was heard before, in which the same silence may have been announced."""
    said = emcons(known, serial)
    return max((_announced(known, sent, said[0], anew) for sent in (said[0], *news(said))), key=WORST.index)


def _announced(known: Trace, sent: Sent, first: Sent, anew: bool) -> Outcome:
    assert isinstance(sent.message, Emcon)
    if sent.message.duration_s > LONGEST_S:
        return FAIL
    if sent.message.from_s >= NOTICE_S:
        return PASS
    if anew:
        return INCONCLUSIVE
    told_by_s = begins_s(sent) + ROUNDED_S - NOTICE_S
    before = [s for s in known if s.number <= sent.number]
    others = [s for s in before if isinstance(s.message, Position) and s.message.emcon != sent.message.serial]
    if others and others[-1].at_s > told_by_s:
        return FAIL
    # numbers prove it from the session's first frame on
    from_first = sent is first and before[0].number == 0 and before[0].at_s < told_by_s
    return FAIL if from_first and sent.number == len(before) - 1 else INCONCLUSIVE


def end(known: Trace, serial: int) -> Outcome | None:
    """The same of the end; None where nothing is said of it: not heard again, landed, or another was announced."""
    said = emcons(known, serial)[-1]
    earliest_s, latest_s = ends_s(said) - ROUNDED_S, ends_s(said) + ROUNDED_S
    for other in sorted((s for s in known if isinstance(s.message, Emcon)), key=begins_s):
        follows = begins_s(other) - ROUNDED_S <= latest_s + LIMIT_S and other.at_s <= latest_s + LIMIT_S
        if follows and other.number >= said.number:  # one silence may follow the other at once
            latest_s = max(latest_s, ends_s(other) + ROUNDED_S)
    after = [s for s in known if s.at_s > latest_s]
    reports = [s for s in after if isinstance(s.message, Position)]
    if any(earliest_s <= s.at_s <= latest_s + LIMIT_S for s in known):
        return PASS
    last = [s for s in known if isinstance(s.message, Position) and s.at_s < earliest_s][-1:]
    if not after or not all(s.message.airborne for s in (*last, *reports[:1]) if isinstance(s.message, Position)):
        return None
    b = after[0]
    before = [s for s in known if s.number < b.number]
    # that this silence was the last one announced is shown by what names it; one that was not heard may have followed
    names_it = [s for s in (*before, b) if s in emcons(known, serial) or getattr(s.message, "emcon", None) == serial]
    since = before[-1] if names_it[-1] is b else names_it[-1]
    is_whole = b.number - since.number == sum(since.number < s.number <= b.number for s in known)
    return FAIL if reports and is_whole and b.at_s > latest_s + LIMIT_S else INCONCLUSIVE


def breach(silence: Silence, trace: Trace) -> dict[str, bool]:
    """What is true: who was told too late, or of too long a silence, and who said nothing for long after its end."""
    mine = of_session(trace, silence.session)
    later = [s.at_s - silence.end_s for s in mine if s.at_s > silence.end_s - ROUNDED_S]
    reports = [s.message.airborne for s in mine if isinstance(s.message, Position) and s.at_s > silence.end_s]
    too_late = silence.begin_s - silence.announced_s < NOTICE_S
    flies = bool(reports) and reports[0]
    return {
        "announcement": too_late or silence.duration_s > LONGEST_S,
        "end": flies and not any(s <= LIMIT_S for s in later),
    }


@pytest.mark.parametrize("loss", [0.0, 0.1, 0.3, 0.6])
def test_4_7_says_of_every_silence_what_the_text_says(loss: float) -> None:
    random, seen = Random(f"4.7 {loss}"), []
    for _ in range(160 * MORE):
        it = story(random, loss)
        found = found_of(replayed(random, it.trace))
        everything = found_of([s._replace(heard=True) for s in it.trace])
        known = heard(it.trace)
        for silence in it.silences:
            mine, key = of_session(known, silence.session), (silence.session, silence.serial)
            if not emcons(mine, silence.serial):
                assert not {key for key in found if key[:2] == key}
                continue
            anew = silence.session > 1 and any(s.session == 1 for s in known)
            expected = {"announcement": announcement(mine, silence.serial, anew), "end": end(mine, silence.serial)}
            for which, outcome in expected.items():
                got, of_all = found.get((*key, which)), everything.get((*key, which))
                told = f"{which} of {silence}: {got} {outcome} {of_all} {shown(it.trace)}"
                assert got == outcome, told
                assert got is not FAIL or breach(silence, it.trace)[which], told
                # who says two things under one serial is judged by the one that was heard
                changed = bool(news(emcons(of_session(it.trace, silence.session), silence.serial)))
                assert (got, of_all) not in ((FAIL, PASS), (FAIL, None)), told
                assert (got, of_all) != (PASS, FAIL) or changed, told
        seen += found.values()
    assert min(map(seen.count, (PASS, FAIL, INCONCLUSIVE))) > 20
