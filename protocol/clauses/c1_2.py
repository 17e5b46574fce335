"""1.2: one address, one station. Whoever starts anew never goes back to a session, so two that take turns are two."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from protocol.accounts import JOIN_NS, Booked, Standing
from protocol.clauses.base import EVERY_MESSAGE, World, address_text
from protocol.messages import TIME_BOUND_NS, instant_ns
from protocol.terms import NoTerms
from protocol.verdicts import UNATTRIBUTED, Finding, Outcome, Passes


class _Sent(NamedTuple):
    """A fresh frame of one session: when it was sent, and which it is."""

    early_ns: int
    late_ns: int
    sequence: int
    id: str

    @classmethod
    def of(cls, booked: Booked) -> "_Sent":
        frame, bound_ns = booked.frame, TIME_BOUND_NS[booked.frame.time_quality]
        stamp_ns = instant_ns(frame.time_us, booked.at_ns)
        early_ns = min(booked.early_ns, stamp_ns - bound_ns)
        late_ns = max(booked.late_ns, stamp_ns + bound_ns + 1000)
        return cls(early_ns, late_ns, frame.sequence, booked.id)


@dataclass(slots=True)
class _Address:
    """The sessions in which an address was heard: of each the first fresh frame, and the last."""

    session: int
    last: Booked
    """Of the session that was heard last; of the others it is in `sessions`."""
    sessions: dict[int, tuple[_Sent, _Sent]] = field(default_factory=dict)
    away: set[int] = field(default_factory=set)
    """Those that were not heard for so long that what they send then may be recordings of a turn ago."""
    told: bool = False


class OneStation:
    id = "1.2"
    title = "one station"
    text = "One address is used by one station: who starts anew never goes back to a session."
    instance = "each address that is proved to be used by two"
    proof = (
        "Sessions take turns within 600 s: a fresh frame of one lies surely between two fresh frames of another, which "
        "nobody does who starts anew."
    )
    limits = (
        "Whose the address is nobody knows: the subject is `unattributed`, and from the proof on the address is "
        "accused of nothing; until then, what is found is held against it. Somebody who sends recorded frames that the "
        "monitor did not hear, a whole number of 1024 s later, can make an address look contested; so a session "
        "that was not heard for 600 s counts no more. It is looked for when another session is heard than before."
    )
    suspended_by = ""
    kind = "X"
    hears_copies = True
    watches = EVERY_MESSAGE

    def __init__(self, world: World, terms: NoTerms):
        self.world = world
        self.addresses: dict[int, _Address] = {}

    def subjects(self) -> list[str]:
        return [UNATTRIBUTED]

    def hear(self, booked: Booked) -> Iterable[Finding]:
        frame = booked.frame
        address = self.addresses.get(frame.source)
        if address is not None and address.session == frame.session:
            if booked.standing is Standing.FIRST or self._is_news(booked, address.last.frame.sequence):
                if booked.at_ns - address.last.at_ns > JOIN_NS:
                    address.away.add(frame.session)
                address.last = booked
            return ()
        if not booked.fresh or frame.source not in self.world.stations:
            return ()
        if address is None:
            address = self.addresses[frame.source] = _Address(frame.session, booked)
            sent = _Sent.of(booked)
            address.sessions[frame.session] = sent, sent
            return ()
        return self._turn(address, booked)

    @staticmethod
    def _is_news(booked: Booked, sequence: int) -> bool:
        """Whether a frame is fresh and was not heard before, as far as its session goes."""
        return booked.fresh and 0 < (booked.frame.sequence - sequence) & 0xFFFF < 0x8000

    def _turn(self, address: _Address, booked: Booked) -> Iterable[Finding]:
        """A fresh frame of another session than the last."""
        source, session, sessions = booked.frame.source, booked.frame.session, address.sessions
        sessions[address.session] = sessions[address.session][0], _Sent.of(address.last)
        self._forget(address, booked.early_ns - JOIN_NS)
        # Of sessions before the newest the books enter nothing: that one of them has gone on is known here alone.
        if session in address.away or (booked.account.continues and session not in sessions):
            return ()  # of a session of long ago, and perhaps a copy that only seems fresh
        sent = _Sent.of(booked)
        first, last = sessions.get(session, (sent, sent))
        if session in sessions and not self._is_news(booked, last.sequence):
            return ()
        sessions[session] = first, sent
        address.session, address.last = session, booked
        between = self._between(address, first, sent)
        if between is None:
            return ()
        self.world.contest(source, between.early_ns, booked.at_ns + JOIN_NS)
        if address.told:
            return ()
        address.told = True
        return (self._finding(booked, (first.id, between.id, sent.id)),)

    @staticmethod
    def _forget(address: _Address, before_ns: int) -> None:
        """Sessions that were not heard for long, but for the one that was heard last."""
        sessions = address.sessions
        for session in [s for s, (_, last) in sessions.items() if last.late_ns < before_ns and s != address.session]:
            del sessions[session]
            address.away.add(session)

    @staticmethod
    def _between(address: _Address, first: _Sent, last: _Sent) -> _Sent | None:
        """A frame of another session that was surely sent between two of one: the last of it rather than the first."""
        others = (one for s, pair in address.sessions.items() if s != address.session for one in reversed(pair))
        return next((o for o in others if first.late_ns < o.early_ns and o.late_ns < last.early_ns), None)

    def _finding(self, booked: Booked, evidence: tuple[str, ...]) -> Finding:
        return Finding(
            clause=self.id,
            subject=UNATTRIBUTED,
            outcome=Outcome.FAIL,
            at_ns=booked.at_ns,
            summary=f"two stations use {address_text(booked.frame.source)}: session {booked.frame.session} goes on "
            "after another had begun; which of them is its owner is not known",
            evidence=evidence,
        )

    def counted(self) -> Iterable[Passes]:
        return ()

    def close(self, end_ns: int) -> Iterator[Finding]:
        yield from ()
