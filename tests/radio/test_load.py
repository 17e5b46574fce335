"""Counters of the medium: channels, slots, stations and causes; and the same over several hubs."""

import pytest

from radio.load import Load, add
from radio.medium import BackOff, Channel, Equipment, Laws, Medium, Outcome, Transmission
from radio.slots import SlotPlan

MS, SECOND = 1_000_000, 1_000_000_000
SLOTTED = Channel(
    number=1,
    frequency_hz=1e9,
    bandwidth_hz=1e6,
    bit_rate_bps=1e6,
    plan=SlotPlan(slot_ns=MS, slots_per_period=10, shared=(9,)),
)
POLITE = Channel(
    number=2, frequency_hz=2e9, bandwidth_hz=1e6, bit_rate_bps=1e6, back_off=BackOff(MS // 10, most_slots=1, attempts=1)
)
FRAME = bytes(50)  # 400 us


@pytest.fixture
def medium() -> Medium:
    """Three near each other, one far away that only hears."""
    medium = Medium([SLOTTED, POLITE], Laws(), seed=1)
    for address, east_m in ((1, 0.0), (2, 3_000.0), (3, 6_000.0), (4, 2_000_000.0)):
        medium.join(Equipment(address=address), frozenset({1, 2}), 0)
        medium.place(address, 0, (6.4e6, east_m, 0.0), (0.0, 0.0, 0.0), 9_000.0)
    return medium


def loaded(medium: Medium, *sent: Transmission) -> Load:
    load = Load([SLOTTED, POLITE])
    for transmission in sent:
        medium.transmit(transmission)
    for horizon_ns in range(0, SECOND, 7 * MS):  # in many pieces, most of them empty
        load.take(medium.settle(horizon_ns))
    return load


def test_frames_airtime_slots_and_causes(medium: Medium) -> None:
    load = loaded(
        medium,
        Transmission(1, 0, 0, 1, 20 * MS, FRAME, 0),
        Transmission(1, 0, 1, 1, 33 * MS, FRAME, 3),
        Transmission(2, 0, 0, 1, 44 * MS - 150_000, FRAME, 4),  # a little early
        Transmission(3, 0, 0, 1, 55 * MS - 250_000, FRAME, 5),  # more than half of it before its slot
        Transmission(3, 0, 1, 1, 67 * MS, FRAME),  # it did not tell
        Transmission(1, 0, 2, 1, 67 * MS, FRAME, 7),
    )
    channel = load.channels[1]
    assert (channel.frames, channel.airtime_ns, channel.missed, channel.given_up) == (6, 6 * 400_000, 1, 0)
    assert channel.slots == {0: 1, 3: 1, 4: 2, 7: 2}
    received, collision, deaf = Outcome.RECEIVED, Outcome.COLLISION, Outcome.HALF_DUPLEX
    far = Outcome.OUT_OF_RANGE
    assert load.sent == {
        (1, 1): {received: 4, collision: 1, deaf: 1, far: 3},
        (1, 2): {received: 2, far: 1},
        (1, 3): {received: 2, collision: 1, deaf: 1, far: 2},
    }
    assert load.heard == {
        (1, 1): {received: 2, deaf: 1},
        (1, 2): {received: 3, collision: 2},
        (1, 3): {received: 3, deaf: 1},
    }
    assert load.outcomes == {received: 8, collision: 2, deaf: 2, far: 6}
    assert load.transmissions == 6


def test_who_gives_up_is_counted(medium: Medium) -> None:
    load = loaded(medium, Transmission(1, 0, 0, 2, 20 * MS, FRAME), Transmission(2, 0, 0, 2, 20 * MS + 100_000, FRAME))
    assert (load.channels[2].frames, load.channels[2].given_up) == (1, 1)


def test_several_hubs_add_up(medium: Medium) -> None:
    one = loaded(medium, Transmission(1, 0, 0, 1, 20 * MS, FRAME, 0), Transmission(2, 0, 0, 1, 31 * MS, FRAME, 2))
    two = Load([SLOTTED, POLITE])
    total = add([one.to_json(), two.to_json(), one.to_json()])
    assert total["1"]["frames"] == 4
    assert total["1"]["slots"] == [2, 2, 0, 0, 0, 0, 0, 0, 0, 0]
    assert total["1"]["slots_missed"] == 2
    assert total["1"]["stations"]["000003"] == {"frames": 0, "sent": {}, "heard": {"received": 4}}
    assert total["1"]["stations"]["000001"]["sent"] == {"received": 4, "out_of_range": 2}
    assert add([one.to_json()]) == one.to_json()
    assert add([]) == {}
