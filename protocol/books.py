"""The judge's books: gives each frame its place in the account of its session, or finds that it is a copy, or old."""

from collections import Counter
from collections.abc import Mapping

from protocol.accounts import JOIN_NS, REORDER_NS, SESSIONS, Account, Booked, Standing
from protocol.heard import Heard
from protocol.messages import TIME_BOUND_NS, TIME_PERIOD_US, instant_ns
from protocol.units import LIGHT_MPS, NM_M, NS_PER_S

TIDY_EVERY = 32
"""How often, by sequence numbers, what is old is forgotten: at a frame a second lists grow by a twentieth meanwhile."""


class Books:
    """All accounts. `range_nm` bounds the delay: no frame is heard from further away.

    `held_ns` has, by channel, how long after its time a frame may start because its source has found the channel busy.
    """

    def __init__(self, range_nm: float, held_ns: Mapping[int, int] | None = None):
        self.held_ns = held_ns or {}
        self.max_delay_ns = round(range_nm * NM_M / LIGHT_MPS * NS_PER_S)
        self.accounts: dict[tuple[int, int], Account] = {}
        self.newest: dict[int, int] = {}
        """The newest session heard of each source."""
        self._old: Counter[int] = Counter()
        """The sessions of each source whose accounts are dropped, as bits of a number."""
        self._passed: Counter[int] = Counter()
        """How many numbers each source passed in those, and in stretches that others have replaced."""

    def book(self, heard: Heard) -> Booked:
        """Give a frame its place; only first copies that are fresh enter the accounts."""
        frame = heard.frame
        at_ns, clock_ns, source, session = heard.at_ns, heard.clock_bound_ns, frame.source, frame.session
        stamp_ns = instant_ns(frame.time_us, at_ns)
        bound = TIME_BOUND_NS.get(frame.time_quality)
        early, late = at_ns - clock_ns - self.max_delay_ns, at_ns + clock_ns
        held_ns = self.held_ns.get(heard.channel, 0)
        fresh = bound is not None and early - bound - held_ns - 1000 <= stamp_ns <= late + bound + 1000
        account = self._account(heard, fresh)
        number = account.number_of(frame.sequence)
        if number is None or (account.named and not account.reached(number, at_ns)):
            return Booked.of(heard, Standing.COPY, -1, early, late, account, False)
        newest = self.newest.get(source, session)
        if bound is None or not fresh or (session - newest) % SESSIONS > SESSIONS // 2:
            return Booked.of(heard, Standing.STALE, number, early, late, account, fresh)
        # kind to the sender: the frame left at any time that its own clock or its arrival allows
        early, late = min(early, stamp_ns - bound), max(late, stamp_ns + bound + 1000)
        booked = Booked(heard, Standing.FIRST, number, early, late, account, frame, at_ns, heard.id)
        if session != newest:
            self._drop_old(source, at_ns - JOIN_NS)
        if not account.named and (before := self.accounts.get((source, session))) is not None:
            self._over(before, at_ns)
        self.accounts[source, session] = account
        self.newest[source] = session
        account.enter(booked)
        if number >= account.tidy_from:
            account.tidy_from = number + TIDY_EVERY
            self._tidy(source, at_ns - JOIN_NS)
        return booked

    def _tidy(self, source: int, before_ns: int) -> None:
        """Forget what is old, of the sessions that are over, too: a source may begin another only after days."""
        for account in self.accounts.values():
            if account.source == source:
                account.forget(before_ns)

    def _over(self, account: Account, now_ns: int) -> None:
        """No frame continues an account any more. Clauses may keep it for long: of its frames they ask no more."""
        self._passed[account.source] += account.passed
        account.forget(now_ns - JOIN_NS)

    def _drop_old(self, source: int, before_ns: int) -> None:
        """A source has begun another session: those that no frame continues any more are dropped."""
        for key in [key for key, a in self.accounts.items() if key[0] == source and a.last_at_ns < before_ns]:
            self._old[source] |= 1 << key[1]
            self._over(self.accounts.pop(key), before_ns + JOIN_NS)

    def passed(self, source: int) -> int:
        """How many numbers a source is known to have passed, in all of its sessions."""
        return self._passed[source] + sum(a.passed for a in self.accounts.values() if a.source == source)

    def _account(self, heard: Heard, fresh: bool) -> Account:
        """The account that a frame belongs to; a new one where it does not continue the one of its session."""
        frame = heard.frame
        account = self.accounts.get((frame.source, frame.session))
        if account is None:
            continues = bool(self._old[frame.source] >> frame.session & 1)
            return Account(frame.source, frame.session, frame.sequence - 1, continues=continues)
        if account.number_of(frame.sequence) is not None:
            if heard.at_ns - account.last_at_ns <= JOIN_NS:
                return account
        else:
            passed = account.passed_ns(frame.sequence)
            if passed is None or not fresh or _overtaken(heard.at_ns - passed[1], heard.at_ns - passed[0]):
                return account
        return Account(frame.source, frame.session, frame.sequence - 1, continues=True)


def _overtaken(least_ns: int, most_ns: int) -> bool:
    """Whether a frame that seems fresh, but whose number passed so long ago, may be an old one: just overtaken, or kept
    until the header's time came round again."""
    period_ns = TIME_PERIOD_US * 1000
    return (most_ns + REORDER_NS) // period_ns * period_ns >= least_ns - REORDER_NS
