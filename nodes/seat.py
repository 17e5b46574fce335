"""Everything one station needs around it: its clock, its faults, its transmitter. What a driver runs, one per station.

A seat turns medium time into its station's time and back, and a station's effects into frames handed over.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from random import Random

from nodes.backlog import Backlog
from nodes.clock import Clock
from nodes.ears import Ears
from nodes.faults.base import After, Around, Edit
from nodes.faults.frames import FORGED_SESSION, after, shifter
from nodes.faults.messages import editor
from nodes.faults.motions import flown, jolt
from nodes.flight import Flight
from nodes.guided import Guided
from nodes.motion import Fixed, Kinematics, Motion, wrapped
from nodes.own_class import load_class
from nodes.scenario import SensorErrors, StationEntry
from nodes.stations.aircraft import Aircraft, Profile
from nodes.stations.effects import Effect, Hearing, NewSession, Send, StationLogic, Steer, WakeAt
from nodes.stations.ground import Ground, Order
from nodes.stations.intents import Sense
from nodes.stations.ledger import Overheard
from nodes.stations.lost_link import LinkLoss
from nodes.together import Look
from nodes.tracks import Track
from nodes.transmitter import Access, Outgoing, Shift, Transmitter, access_to
from protocol.messages import LinkPoint, Message, MessageType, Procedure
from protocol.units import NS_PER_MS, NS_PER_S, seconds_ns

LEAD_NS = 60 * NS_PER_MS
"""How far ahead transmitters hand over: one window, and room for the worst honest clock."""
COMMIT_NS = 2 * NS_PER_MS
"""A station reports so long before its slot's frame must be handed over."""
MAX_POSITION_ERROR_M = 30.0
MAX_ALTITUDE_ERROR_FT = 20.0
MAX_CLOCK_ERROR_US = 400.0


class Seat:
    """One station in its place. All instants here are medium time."""

    def __init__(
        self,
        entry: StationEntry,
        logic: StationLogic,
        transmitter: Transmitter,
        edits: list[Edit],
        afters: list[After],
        clock: Clock,
        backlog: Backlog,
        motion: Motion,
    ):
        self.address, self.entry = entry.address, entry
        self._logic, self._transmitter, self._edits = logic, transmitter, edits
        self._afters, self._clock, self._motion = afters, clock, motion
        self._wakes: list[int] = []
        """When its station wants to be woken, by its clock; rising."""
        self._overhear = overhearing(logic)
        self.ears = Ears(entry.address, backlog if self._overhear is not None else None)
        """Calls are put in here, taken out of here, and told by `hear`."""

    def start(self, now_ns: int) -> Sequence[Outgoing]:
        self.catch_up(now_ns)
        local = self._clock.local_ns(now_ns)
        return self._do(now_ns, local, _effects("start", self._logic.start(local)))

    def hear(self, now_ns: int, hearing: Hearing) -> Sequence[Outgoing]:
        """A frame was received and is handed over now."""
        self.catch_up(now_ns)
        local = self._clock.local_ns(now_ns)
        heard = hearing._replace(arrival_ns=self._clock.local_ns(hearing.arrival_ns))
        return self._do(now_ns, local, _effects("hear", self._logic.hear(local, heard)))

    def catch_up(self, now_ns: int) -> None:
        """Before its station does anything, it hears what it has received since."""
        if self._overhear is not None:
            heard = self.ears.overheard(now_ns)
            if heard is not None:
                self._overhear(heard._replace(heard_ns=self._clock.column_ns(heard.heard_ns)))

    def look(self) -> Look | None:
        """When and how it will next hear what it has received, if nothing of its own is in it: see `together`."""
        logic, reader, call_ns = self._logic, self.ears.reader, self.ears.next_call_ns
        if reader is None or type(logic) is not Aircraft or self._clock.drift_ppb or not self._wakes:
            return None
        ledger, at_ns = logic.ledger, self._clock.medium_ns(self._wakes[0])
        if ledger is None:
            return None
        if call_ns is not None and call_ns <= at_ns:
            return Look(call_ns, reader, ledger, self._clock.offset_ns)
        return Look(at_ns, reader, ledger, self._clock.offset_ns, logic.will_ask(self._wakes[0]))

    def wake(self, now_ns: int) -> Sequence[Outgoing]:
        """The instant that `next_wake_ns` named has come."""
        local = self._clock.local_ns(now_ns)
        effects: list[Effect] = []
        while self._wakes and self._wakes[0] <= local:  # most often not: only its transmitter has to do
            self.catch_up(now_ns)
            effects += _effects("wake", self._logic.wake(self._wakes.pop(0)))
        return self._do(now_ns, local, effects)

    def next_wake_ns(self) -> int | None:
        """When it must be woken next, for the station's sake or the transmitter's."""
        next_ns = self._transmitter.next_wake_ns()
        if self._wakes and (next_ns is None or self._wakes[0] < next_ns):
            next_ns = self._wakes[0]
        return None if next_ns is None else self._clock.medium_ns(next_ns)

    def send(self, now_ns: int, message: Message, channel: int, about_ns: int) -> Sequence[Outgoing]:
        """Send a message by the station's own transmitter, past its faults: for tests that act."""
        local = self._clock.local_ns(now_ns)
        self._transmitter.submit(local, Send(message, channel, self._clock.local_ns(about_ns)))
        return self._do(now_ns, local, ())

    def _do(self, now_ns: int, local: int, effects: Iterable[Effect]) -> Sequence[Outgoing]:
        for effect in effects:
            if isinstance(effect, Send):
                self._submit(local, effect, now_ns)
            elif isinstance(effect, WakeAt):
                self._wake_at(max(effect.at_ns, local))
            elif isinstance(effect, NewSession):
                self._transmitter.new_session()
            elif isinstance(effect, Steer):
                self._steer(effect)
            else:
                raise TypeError(f"{effect!r} is no effect: a station answers with Send, WakeAt, NewSession or Steer")
        sent = self._transmitter.wake(local)
        medium_ns = self._clock.medium_ns
        handed = [Outgoing(o.frame, o.data, o.channel, medium_ns(o.start_ns), o.slot) for o in sent] if sent else ()
        for change in self._afters:
            handed = [out for one in handed for out in change(one)]
        return handed

    def _steer(self, steer: Steer) -> None:
        if isinstance(self._motion, Guided):
            self._motion.steer(replace(steer, begin_ns=self._clock.medium_ns(steer.begin_ns)))

    def _wake_at(self, at_ns: int) -> None:
        place = bisect_left(self._wakes, at_ns)
        if place == len(self._wakes) or self._wakes[place] != at_ns:
            self._wakes.insert(place, at_ns)

    def _submit(self, local: int, send: Send, now_ns: int) -> None:
        sends = [send]
        for edit in self._edits:
            sends = [kept for s in sends for kept in edit(now_ns, s)]
        for s in sends:
            self._transmitter.submit(local, s)


Overhear = Callable[[Overheard], None]


def overhearing(logic: StationLogic) -> Overhear | None:
    """A station's way to hear many periodic messages together, if the class that says how it hears has one, too.

    A class of the user's that inherits from ours and hears by itself must hear everything.
    """
    hears = next(c for c in type(logic).__mro__ if "hear" in vars(c))
    found: Overhear | None = getattr(logic, "overhear", None)
    return found if "overhear" in vars(hears) else None


def _effects(call: str, answer: object) -> Iterable[Effect]:
    """What a station answers, which may be a class of the user's. Raises TypeError."""
    if not isinstance(answer, Iterable):
        raise TypeError(f"{call} returned {answer!r}, and not effects: yield them, or return a list")
    return answer


def random_of(seed: int, address: int) -> Random:
    """A station's own generator: the same whatever the others do, and in whatever order they are listed."""
    return Random(f"{seed}:{address:06x}")


def motion_of(entry: StationEntry, flight: Flight) -> Motion:
    """How a station truly moves, its fault of flying included, as long as nobody steers."""
    mine = [f for f in flight.scenario.fault if f.station == entry.call_sign]
    others = {s.call_sign: flight.motions[s.address] for s in flight.stations if s.address in flight.motions}
    own = flown(flight.motions[entry.address], mine, others, flight.start_ns, flight.end_ns)
    return own if isinstance(own, Fixed) else Guided(own)


def true_motion_of(entry: StationEntry, flight: Flight) -> Motion:
    """The same with the turns that surprise even itself: for who looks at a flight from outside, and afterwards."""
    motion = motion_of(entry, flight)
    for fault in flight.scenario.fault:
        at_ns = flight.start_ns + seconds_ns(fault.at_s)
        if fault.name == "surprise_turn" and fault.station == entry.call_sign and isinstance(motion, Guided):
            here = motion.at(at_ns)
            if here is not None:
                motion.steer(jolt(fault, here, at_ns))
    return motion


def seat_of(
    entry: StationEntry, flight: Flight, seed: int, backlog: Backlog, motion: Motion, life: int = 0, now_ns: int = 0
) -> Seat:
    """Seat one station of a flight, at `now_ns`. `life` counts its restarts: each begins a session of its own.

    It flies by `motion`. What it overhears, it finds in the backlog.
    """
    random = random_of(seed, entry.address)
    errors = _errors(entry, random)
    faults = [f for f in flight.scenario.fault if f.station == entry.call_sign]
    around = _around(flight)
    edits = [e for f in faults if (e := editor(f, around))]
    afters = [a for f in faults if (a := after(f, around))]
    access = {
        c.number: access_to(c, flight.annexes.slots.get(entry.address, {}).get(c.number, ()))
        for c in (*flight.agreement.channel, *flight.scenario.unagreed_channel)
    }
    main = next((a for a in access.values() if a.own), next(iter(access.values())))
    slot_ns = main.plan.slot_ns if main.plan else 0
    shifts = [s for f in faults if (s := shifter(f, flight.start_ns, slot_ns, random))]
    clock = Clock.of(errors, flight.start_ns)
    transmitter = Transmitter(
        entry.address,
        (random.randrange(FORGED_SESSION - 1) + life + _sessions_before(flight.motions[entry.address], now_ns)) % 255,
        access,
        random,
        lead_ns=LEAD_NS,
        shift=partial(_shifted, shifts),
    )
    profile = Profile(
        address=entry.address,
        call_sign=entry.call_sign,
        party=entry.party or "",
        uncrewed=entry.role == "uncrewed",
        agreement=flight.agreement,
        parties={s.address: s.party for s in flight.annexes.register_ if s.party},
        channel=main.channel,
        report_phase_ns=_report_phase_ns(main, flight, random),
        avoid_ns=_span_ns(entry.avoid_s, flight),
        emcon_ns=_span_ns(entry.emcon_s, flight),
        distress_ns=_span_ns(entry.distress_s, flight),
        link_loss=_link_loss(entry, flight),
        keeps_clear=entry.keeps_clear,
        roster=backlog.roster,
    )
    sense = _sense(motion, errors, clock)
    logic: StationLogic
    if entry.role == "ground":
        logic = Ground(profile, _orders(entry, flight))
    else:
        logic = (Aircraft if entry.python is None else load_class(entry.python, flight.folder))(profile, sense)
    return Seat(entry, logic, transmitter, edits, afters, clock, backlog, motion)


def _around(flight: Flight) -> Around:
    agreed = flight.agreement.channel
    main = next((c for c in agreed if c.access == "tdma"), agreed[0])
    order = flight.agreement.clause.c2_5
    return Around(
        start_ns=flight.start_ns,
        unagreed=next((c.number for c in flight.scenario.unagreed_channel), None),
        guards=tuple(c.number for c in agreed if c.guard),
        order=order.order if order else (),
        monitor=next(s.address for s in flight.stations if s.role == "monitor"),
        addresses={s.call_sign: s.address for s in flight.stations},
        slot_ns=round((main.slot_ms or 0.0) * NS_PER_MS),
        shared=main.shared_slots,
        slots=main.slots or 1,
    )


def _sessions_before(motion: Motion, now_ns: int) -> int:
    """Sessions that it has begun in flight until now, had it never been restarted: one after each gap in its track."""
    return max(sum(p.start_ns <= now_ns for p in motion.pieces) - 1, 0) if isinstance(motion, Track) else 0


def _shifted(shifts: list[Shift], start_ns: int, kind: MessageType) -> int:
    """One fault of frame after the other."""
    for shift in shifts:
        start_ns = shift(start_ns, kind)
    return start_ns


def _errors(entry: StationEntry, random: Random) -> SensorErrors:
    """As the scenario says; else small ones. A recorded track's errors are already in it."""
    drawn = [random.uniform(-1, 1) for _ in range(4)]
    if entry.errors is not None:
        return entry.errors
    there = 0.0 if entry.track else 1.0
    return SensorErrors(
        north_m=there * drawn[0] * MAX_POSITION_ERROR_M,
        east_m=there * drawn[1] * MAX_POSITION_ERROR_M,
        altitude_ft=there * drawn[2] * MAX_ALTITUDE_ERROR_FT,
        clock_us=drawn[3] * MAX_CLOCK_ERROR_US,
    )


def _sense(motion: Motion, errors: SensorErrors, clock: Clock) -> Sense:
    """What an aircraft's own instruments say: the truth, and their constant errors."""

    north_deg, east_deg, up_ft = errors.north_m / 111_195, errors.east_m / 111_195, errors.altitude_ft

    @lru_cache(maxsize=8)  # an aircraft looks some reports ahead, and then comes there
    def seen(local_ns: int, version: int) -> Kinematics | None:
        true = motion.at(clock.medium_ns(local_ns))
        if true is None:
            return None
        longitude_deg = wrapped(true.longitude_deg + east_deg)
        return Kinematics(true.latitude_deg + north_deg, longitude_deg, true.altitude_ft + up_ft, *true[3:])

    guided = motion if isinstance(motion, Guided) else None
    return lambda local_ns: seen(local_ns, guided.version if guided else 0)


def _report_phase_ns(main: Access, flight: Flight, random: Random) -> int:
    """When in each report period it wakes: just before its first slot's frame must be handed over."""
    terms = flight.agreement.clause.c4_1
    period_ns = seconds_ns(terms.every_s if terms else 1.0)
    if main.plan is None or not main.own:
        return random.randrange(period_ns)
    return (main.own[0] * main.plan.slot_ns - LEAD_NS - COMMIT_NS) % min(period_ns, NS_PER_S)


def _span_ns(span_s: tuple[float, float] | None, flight: Flight) -> tuple[int, int] | None:
    if span_s is None:
        return None
    begin, end = (flight.start_ns + seconds_ns(s) for s in span_s)
    return begin, end


def _link_loss(entry: StationEntry, flight: Flight) -> LinkLoss | None:
    loss = entry.lost_link
    if loss is None:
        return None
    point = None
    if loss.point is not None:
        latitude_deg, longitude_deg, altitude_ft = loss.point
        point = LinkPoint(latitude_deg, longitude_deg, round(altitude_ft), loss.radius_m)
    begin, end = (flight.start_ns + seconds_ns(s) for s in (loss.from_s, loss.until_s))
    return LinkLoss(begin, end, Procedure[loss.procedure.upper()], point)


def _orders(entry: StationEntry, flight: Flight) -> tuple[Order, ...]:
    addresses = {s.call_sign: s.address for s in flight.stations}
    return tuple(
        Order(flight.start_ns + seconds_ns(o.at_s), addresses[o.station], o.to_channel, o.effective_s)
        for o in entry.orders
    )
