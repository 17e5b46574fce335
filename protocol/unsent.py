"""What a session surely did not send between two of its frames, though some of its numbers were not heard.

The counts of HAILs and ACKs in POSITION and WATCH tell how many were sent before, so they prove that none of them is
among the unheard. An emergency that is flagged in POSITION after POSITION was not over in between.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from itertools import pairwise

from protocol.accounts import BRIEF_NS, Account, Booked, Count, Named
from protocol.messages import Ack, Hail

NUMBERS = 1 << 16
"""More frames than a session can have sent, unheard, in the time that is asked for."""


def all_heard(account: Account, kind: type[Hail] | type[Ack], first: int, last: int) -> bool | None:
    """Whether every HAIL (or ACK) numbered from `first` to `last` was heard.

    None: it is not proved yet, and a count that comes after `last` may still prove it. `last` was heard; so was
    `first`, or it is -1: then it is asked from the session's start on.
    """
    unheard = most_unheard(account, kind, first, last)
    return unheard == 0 if unheard is not None else None


def most_unheard(account: Account, kind: type[Hail] | type[Ack], first: int, last: int) -> int | None:
    """How many of these at most were not heard, as far as is known; None as in `all_heard`."""
    holes = NUMBERS
    if first >= 0 or begins(account):
        holes = account.unheard_between(max(first, 0), last)
    if not holes:
        return 0
    after = _after(account, last)
    if after is None:
        return None
    before = _before(account, first)
    if before is None or before.chain != after.chain:
        return holes
    return _sent(kind, before, after) - _heard(account, kind, before, after)


def flagged_throughout(account: Account, first: Booked, last: Booked) -> bool:
    """Whether every POSITION heard between two frames flags an emergency, and no stretch without one is so long that it
    may have been over and begun again: see BRIEF_NS."""
    begin, end = (bisect_left(account.named, frame.number, key=_number) for frame in (first, last))
    reports = [named for named in account.named[begin:end] if named.report]
    instants = [first.at_ns, *(named.at_ns for named in reports), last.at_ns]
    return all(named.distress for named in reports) and all(b - a <= BRIEF_NS for a, b in pairwise(instants))


def unheard_from_ns(account: Account, kind: type[Hail] | type[Ack], since_ns: int, last: int) -> int | None:
    """From when on, of the time after an instant, a HAIL (or ACK) numbered below `last` can have been sent and not been
    heard; None if none can.

    `last` was heard.
    """
    counts = account.counts
    begin = next((i for i in range(len(counts) - 1, -1, -1) if counts[i].late_ns < since_ns), -1)
    before = counts[begin] if begin >= 0 else Count(-1, 0, 0, 0, 0)
    for after in counts[begin + 1 :]:
        if before.number >= last:
            return None
        if before.chain != after.chain or _sent(kind, before, after) != _heard(account, kind, before, after):
            return max(before.early_ns, since_ns)
        before = after
    begun = before.number >= 0 or begins(account)
    if begun and not account.unheard_between(max(before.number, 0), last):
        return None
    return max(before.early_ns, since_ns)


def calls_from_ns(caller: Account, since_ns: int, last: int, is_it: Callable[[Hail], bool]) -> int | None:
    """From when on, of the time after an instant, a session can have made calls of some kind, with HAILs numbered up to
    `last`, which was heard: at the first of them that was heard, or at one that was not; None if it surely made none.
    """
    heard_ns = [b.early_ns for b in caller.hails if b.late_ns >= since_ns and b.number <= last and is_it(_hail(b))]
    unheard_ns = unheard_from_ns(caller, Hail, since_ns, last)
    return min(heard_ns if unheard_ns is None else (*heard_ns, unheard_ns), default=None)


def _hail(booked: Booked) -> Hail:
    assert isinstance(booked.frame.message, Hail)
    return booked.frame.message


def begins(account: Account) -> bool:
    """Whether the session was heard from its first frame on."""
    first = account.named[0].number
    counted = not account.counts or account.counts[0].chain == 0 or account.counts[0].number > 0xFF
    return first == 0 and not account.continues and counted


def number_before(account: Account, at_ns: int) -> int:
    """The last number heard that was surely sent before an instant; -1 if there is none: the session may begin then."""
    place = bisect_left(account.named, at_ns, key=_at_ns) - 1
    return account.named[place].number if place >= 0 else -1


def _after(account: Account, last: int) -> Count | None:
    """A count that tells of all up to a number: the first from it on, or one before with nothing unheard between."""
    counts = account.counts
    place = bisect_left(counts, last, key=_number)
    if place and not account.unheard_between(counts[place - 1].number, last):
        return counts[place - 1]
    return counts[place] if place < len(counts) else None


def _before(account: Account, first: int) -> Count | None:
    """A count that tells of nothing after a number: the last up to it, or one after with nothing unheard between."""
    counts = account.counts
    place = bisect_right(counts, first, key=_number)
    if first >= 0 and place < len(counts) and not account.unheard_between(first, counts[place].number):
        return counts[place]
    if place:
        return counts[place - 1]
    return Count(-1, 0, 0, 0, 0)


def _sent(kind: type[Hail] | type[Ack], before: Count, after: Count) -> int:
    """How many were sent between two counts."""
    return after.hails - before.hails if kind is Hail else after.acks - before.acks


def _heard(account: Account, kind: type[Hail] | type[Ack], before: Count, after: Count) -> int:
    """How many of these were heard."""
    heard: list[Booked] = account.hails if kind is Hail else account.acks
    return bisect_left(heard, after.number, key=_number) - bisect_left(heard, before.number, key=_number)


def _number(entry: Booked | Count | Named) -> int:
    return entry.number


def _at_ns(entry: Named) -> int:
    return entry.at_ns
