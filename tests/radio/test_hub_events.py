"""What happens in a hub by plan: loss, power and tuning change at their instants, also for who comes later."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from radio.check_link_tools import ALPHA, BRAVO, END_NS, MS, START_NS, plan
from radio.envelope import Done, Hello, Jam, OffAir, Place, Transmit
from radio.hub import Event, Hub, Plan
from radio.medium import Equipment


def with_events(*events: Event) -> Plan:
    return replace(plan(), events=events)


def at(ms: int) -> int:
    return START_NS + ms * MS


def hub_of(made: Plan, now_ns: int | None = None) -> Hub:
    hub = Hub(made, None, now_ns)
    for address in (ALPHA, BRAVO):
        hub.admit(Hello(address, True))
        hub.tell(address, Place(hub.now_ns, 35.0, 36.0 + (address & 0xF) / 100, 8_000.0))
        hub.tell(address, Done(hub.now_ns))
    return hub


def heard(hub: Hub, starts_ms: Iterable[int]) -> dict[int, float]:
    """When BRAVO received frames of ALPHA, in ms, and how strong they were."""
    found: dict[int, float] = {}
    starts = sorted(starts_ms)
    for ms in starts:
        hub.tell(ALPHA, Transmit(at(ms), 1, 1, ms, b"%d" % ms))
    while hub.now_ns < at(starts[-1] + 100):
        window = hub.next_window(END_NS)
        for got in window.receptions(BRAVO):
            found[int(got.data)] = got.power_tenths_dbm / 10
        for address in hub.waiting_for():
            hub.tell(address, Done(window.until_ns))
    return found


def test_loss_changes_within_a_window() -> None:
    hub = hub_of(with_events(Event(at(120), loss=1.0), Event(at(333), loss=0.0)))
    assert list(heard(hub, [100, 119, 120, 140, 200, 332, 333, 400])) == [100, 119, 333, 400]


def test_power_changes_within_a_window() -> None:
    hub = hub_of(with_events(Event(at(120), ALPHA, power_dbm=30.0), Event(at(130), BRAVO, power_dbm=0.0)))
    powers = heard(hub, [100, 119, 120, 140, 200])
    assert {ms: round(powers[ms] - powers[100], 1) for ms in powers} == {100: 0, 119: 0, 120: -10, 140: -10, 200: -10}


def test_tuning_changes_within_a_window() -> None:
    hub = hub_of(
        with_events(Event(at(120), BRAVO, channels=frozenset({2})), Event(at(170), BRAVO, channels=frozenset({1})))
    )
    assert list(heard(hub, [100, 119, 120, 169, 170, 200])) == [100, 119, 170, 200]


@pytest.mark.parametrize("begins_ms", [200, 225])
def test_a_hub_that_takes_over_knows_what_has_happened(begins_ms: int) -> None:
    made = with_events(
        Event(at(50), loss=1.0),
        Event(at(60), loss=0.0),
        Event(at(70), ALPHA, power_dbm=20.0),
        Event(at(80), BRAVO, channels=frozenset()),
        Event(at(90), BRAVO, channels=frozenset({1})),
        Event(at(400), BRAVO, channels=frozenset({2})),
    )
    fresh = heard(hub_of(plan(), at(begins_ms)), [300, 450])
    powers = heard(hub_of(made, at(begins_ms)), [300, 450])
    assert round(powers.pop(300) - fresh[300], 1) == -20
    assert powers == {}


def test_who_is_off_the_air_meanwhile_has_it_when_it_comes_back() -> None:
    hub = hub_of(with_events(Event(at(150), ALPHA, power_dbm=20.0), Event(at(160), BRAVO, channels=frozenset({2}))))
    for address in (ALPHA, BRAVO):
        hub.tell(address, OffAir(at(110)))
    before = heard(hub, [100])
    for address in (ALPHA, BRAVO):
        hub.tell(address, Place(at(300), 35.0, 36.0 + (address & 0xF) / 100, 8_000.0))
    hub.tell(ALPHA, Transmit(at(320), 1, 1, 320, b"320"))
    hub.tell(ALPHA, Transmit(at(330), 2, 1, 330, b"330"))
    after = heard(hub, [340])
    assert list(before) == [100]
    assert {ms: round(power - before[100]) for ms, power in after.items()} == {330: -20}


def test_only_jammers_jam_and_they_send_no_frames() -> None:
    made = plan()
    jammer = replace(made.berths[BRAVO], equipment=Equipment(address=BRAVO, listens=False))
    hub = hub_of(replace(made, berths={**made.berths, BRAVO: jammer}))
    with pytest.raises(ValueError, match="only jammers jam"):
        hub.tell(ALPHA, Jam(at(100), 1, MS))
    with pytest.raises(ValueError, match="a jammer sends no frames"):
        hub.tell(BRAVO, Transmit(at(100), 1, 1, 1, b"frame"))
    with pytest.raises(ValueError, match="there must be a channel 7"):
        hub.tell(BRAVO, Jam(at(100), 7, MS))
    for pulse in range(400):  # more than any other station may hand over
        hub.tell(BRAVO, Jam(at(100) + pulse * MS // 2, 1, MS // 4))
    assert hub.counts == {}
