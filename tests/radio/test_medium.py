"""The medium by example: one rule at a time. Random cases are in `test_medium_random.py`."""

import math

import numpy as np
import pytest

from radio.medium import Burst, Channel, Equipment, Fate, Laws, Medium, Outcome, Transmission

MS = 1_000_000
SECOND = 1_000 * MS
T0 = 1_444_000_000 * SECOND
AIR = Channel(number=1, frequency_hz=1e9, bandwidth_hz=1e6, bit_rate_bps=1e6)
GUARD = Channel(number=2, frequency_hz=121.5e6, bandwidth_hz=25e3, bit_rate_bps=250e3)
BOTH = frozenset({1, 2})
STILL = (0.0, 0.0, 0.0)
FRAME = bytes(40)  # 320 us on AIR


def medium_of(*stations, loss=0.0, seed=1, capture_db=10.0):
    """Stations as (address, east of the first in metres, keywords of Equipment), at 9 km height."""
    medium = Medium([AIR, GUARD], Laws(loss=loss, capture_db=capture_db), seed=seed)
    for address, east_m, *more in stations:
        medium.join(Equipment(address=address, **(more[0] if more else {})), BOTH, T0)
        medium.place(address, T0, (6.4e6, east_m, 0.0), STILL, 9_000.0)
    return medium


def sent(source, at_ns=0, sequence=0, channel=1, data=FRAME):
    return Transmission(source, 0, sequence, channel, T0 + at_ns, data)


def settle_all(medium, *transmissions):
    for transmission in transmissions:
        medium.transmit(transmission)
    return medium.settle(T0 + 10 * SECOND)


def outcomes_of(fate):
    return dict(zip(fate.receivers, fate.outcomes, strict=True))


def test_a_frame_in_the_clear_reaches_everybody_at_one_instant():
    medium = medium_of((3, 0.0), (9, 29_979.2458), (1, -59_958.4916))
    (fate,) = settle_all(medium, sent(3))
    assert fate._replace(reach_m=0.0) == Fate(
        sent(3),
        due_ns=T0 + 320_000 + 200_000,
        receivers=(1, 9),
        outcomes=(Outcome.RECEIVED, Outcome.RECEIVED),
        power_dbm=(-88.0, -82.0),
        sinr_db=(16.0, 22.0),
        arrival_ns=(T0 + 200_000, T0 + 100_000),
        rivals=((), ()),
    )


def test_alone_on_the_air():
    (fate,) = settle_all(medium_of((3, 0.0)), sent(3))
    assert (fate.due_ns, fate.receivers) == (T0 + 320_000, ())


def test_power_and_gains_add_up():
    medium = medium_of((1, 0.0, {"power_dbm": 30.0, "gain_dbi": 3.0}), (2, 10_000.0, {"gain_dbi": 2.0}))
    assert settle_all(medium, sent(1))[0].power_dbm == (-77.4,)  # 30 + 3 + 2 - 112.45


def test_below_sensitivity():
    weak = {"power_dbm": 10.0}  # -94 dBm is needed: 15.6 km at 1 GHz
    medium = medium_of((1, 0.0, weak), (2, 3_700.0), (3, 3_900.0), (4, 3_900.0, {"noise_figure_db": 9.0}))
    assert outcomes_of(settle_all(medium, sent(1))[0]) == {2: "received", 3: "below_sensitivity", 4: "received"}


def test_beyond_horizon():
    medium = medium_of((1, 0.0), (2, 0.0), (3, 50_000.0))
    for address, east_m in ((1, 0.0), (2, 45_200.0)):  # 4.12 * (sqrt 10 + sqrt 61) km is 45.21 km
        medium.place(address, T0, (6.4e6, east_m, 0.0), STILL, 10.0 if address == 1 else 61.0)
    assert settle_all(medium, sent(1))[0].outcomes == ("received", "received")
    medium.place(2, T0 + 20 * SECOND, (6.4e6, 45_300.0, 0.0), STILL, 61.0)
    medium.transmit(sent(1, 20 * SECOND))
    assert medium.settle(T0 + 30 * SECOND)[0].outcomes == ("beyond_horizon", "received")


def test_where_nobody_could_hear_it_a_frame_is_not_even_looked_at():
    """By the horizon of the highest listener, or by the power: 20 dB below the noise it does not even disturb."""
    medium = medium_of((1, 0.0), (2, 782_000.0), (3, 784_000.0))  # 2 * 4.1217 * sqrt 9000 km is 782.06 km
    fate = settle_all(medium, sent(1))[0]
    assert (fate.receivers, fate.out_of_range, round(fate.reach_m, -2)) == ((2,), 1, 782_100)
    medium = medium_of((1, 0.0, {"power_dbm": -34.0}), (2, 1_900.0), (3, 2_000.0))  # 1.89 km at -132 dBm
    fate = settle_all(medium, sent(1))[0]
    assert (fate.receivers, fate.outcomes, fate.out_of_range) == ((), (), 2)
    medium = medium_of((1, 0.0, {"power_dbm": -25.5}), (2, 1_900.0), (3, 6_000.0))
    fate = settle_all(medium, sent(1))[0]
    assert (fate.receivers, fate.outcomes, fate.out_of_range) == ((2,), ("below_sensitivity",), 1)


def test_what_is_beyond_the_horizon_disturbs_nobody():
    def fates(height_m):
        medium = medium_of((1, 0.0), (2, 50_000.0), (3, 100_000.0))
        medium.place(3, T0, (6.4e6, 100_000.0, 0.0), STILL, height_m)
        medium.place(2, T0, (6.4e6, 50_000.0, 0.0), STILL, 1.0)
        return settle_all(medium, sent(1), sent(3))

    assert outcomes_of(fates(1_000.0)[0])[2] == "collision"
    assert outcomes_of(fates(1.0)[0])[2] == "received"


def test_not_tuned_and_tuned_again():
    medium = medium_of((1, 0.0), (2, 1_000.0))
    medium.tune(2, frozenset({2}), T0 + 1 * SECOND)
    medium.tune(2, frozenset({1}), T0 + 2 * SECOND)
    fates = settle_all(medium, *(sent(1, second * SECOND, sequence=second) for second in range(3)))
    assert [fate.outcomes[0] for fate in fates] == ["received", "not_tuned", "received"]


def test_half_duplex_on_any_channel():
    medium = medium_of((1, 0.0), (2, 1_000.0), (3, 2_000.0))
    first, second = settle_all(medium, sent(1), sent(2, 100_000, channel=2))
    assert outcomes_of(first) == {2: "half_duplex", 3: "received"}
    assert outcomes_of(second) == {1: "half_duplex", 3: "received"}


def test_half_duplex_ends_with_the_last_bit():
    """Station 2 stops at 320 us; the frame of 1 takes 100 us to it."""
    for start_ns, outcome in ((219_999, "half_duplex"), (220_000, "received")):
        medium = medium_of((1, 0.0), (2, 29_979.2458))
        fates = settle_all(medium, sent(2, channel=1), sent(1, start_ns, channel=2))
        assert outcomes_of(next(fate for fate in fates if fate.transmission.source == 1)) == {2: outcome}


def test_equal_power_collides_for_both_and_names_the_rival():
    medium = medium_of((1, -10_000.0), (2, 10_000.0), (3, 0.0))
    first, second = settle_all(medium, sent(1), sent(2, 319_000))
    assert (outcomes_of(first)[3], first.rivals) == ("collision", ((), (2,)))
    assert (outcomes_of(second)[3], second.rivals) == ("collision", ((), (1,)))


def test_frames_that_only_touch_do_not_collide():
    medium = medium_of((1, -10_000.0), (2, 10_000.0), (3, 0.0))
    assert [outcomes_of(fate)[3] for fate in settle_all(medium, sent(1), sent(2, 320_000))] == ["received"] * 2


def test_frames_apart_at_the_source_can_overlap_at_a_receiver():
    medium = medium_of((1, -29_979.2458), (2, 1_000.0), (3, 0.0))
    fates = settle_all(medium, sent(1), sent(2, 330_000))
    assert [outcomes_of(fate)[3] for fate in fates] == ["collision", "received"]  # 2 is near and captures


@pytest.mark.parametrize(("stronger_db", "outcome"), [(9.9, "collision"), (10.0, "received")])
def test_capture(stronger_db, outcome):
    medium = medium_of((1, -10_000.0, {"power_dbm": 30.0 + stronger_db}), (2, 10_000.0, {"power_dbm": 30.0}), (3, 0.0))
    strong, faint = settle_all(medium, sent(1), sent(2))
    assert outcomes_of(strong)[3] == outcome
    assert (outcomes_of(faint)[3], faint.rivals) == ("collision", ((), (1,)))


def test_interference_adds_up_and_the_strongest_is_the_rival():
    """Each rival alone is 11 dB or more below; together they are 8.5 dB below."""
    strong, faint = {"power_dbm": 40.0}, {"power_dbm": 28.9}
    stations = [(1, -10_000.0, strong), (2, 10_000.0, faint), (4, 10_000.0, {"power_dbm": 29.0}), (3, 0.0)]
    assert outcomes_of(settle_all(medium_of(*stations), sent(1), sent(2))[0])[3] == "received"
    fate = settle_all(medium_of(*stations), sent(1), sent(2), sent(4))[0]
    assert outcomes_of(fate)[3] == "collision"
    assert dict(zip(fate.receivers, fate.rivals, strict=True))[3] == (4, 2)


def test_of_equal_rivals_the_lowest_address_is_named_whoever_came_first():
    medium = medium_of((5, 10_000.0), (2, 10_000.0), (9, -10_000.0), (3, 0.0))
    fates = settle_all(medium, sent(5), sent(2, 10_000), sent(9, 20_000))
    assert [dict(zip(fate.receivers, fate.rivals, strict=True))[3] for fate in fates] == [(2, 9), (5, 9), (2, 5)]


def test_other_channels_do_not_disturb():
    medium = medium_of((1, -10_000.0), (2, 10_000.0), (3, 0.0))
    assert [outcomes_of(fate)[3] for fate in settle_all(medium, sent(1), sent(2, channel=2))] == ["received"] * 2


def test_loss_has_its_share_and_receivers_are_independent():
    medium = medium_of((0, 0.0), (1, 1_000.0), (2, 2_000.0), loss=0.2, seed=5)
    fates = settle_all(medium, *(sent(0, number * MS, sequence=number) for number in range(5_000)))
    faded = np.array([[outcome == "faded" for outcome in fate.outcomes] for fate in fates])
    assert faded.shape == (5_000, 2)
    assert faded.mean(axis=0) == pytest.approx([0.2, 0.2], abs=4 * math.sqrt(0.16 / 5_000))
    assert faded.all(axis=1).mean() == pytest.approx(0.04, abs=4 * math.sqrt(0.04 * 0.96 / 5_000))
    assert {outcome for fate in fates for outcome in fate.outcomes} == {"faded", "received"}


def test_a_moving_station_is_where_it_is_at_the_start_of_the_frame():
    medium = medium_of((1, 0.0), (2, 0.0))
    medium.place(2, T0 + SECOND, (6.4e6, 10_000.0, 0.0), (0.0, 300.0, 0.0), 9_000.0)
    medium.place(2, T0 + 5 * SECOND, (6.4e6, 0.0, 0.0), STILL, 9_000.0)
    (fate,) = settle_all(medium, sent(1, 3 * SECOND))
    assert fate.arrival_ns[0] - fate.transmission.start_ns == round(10_600 / 0.299792458)


def test_a_station_that_leaves_has_no_outcome_but_its_frame_goes_on():
    medium = medium_of((1, 0.0), (2, 1_000.0), (3, 2_000.0))
    medium.transmit(sent(1))
    medium.transmit(sent(2, 2 * MS))
    medium.leave(2, T0 + 100_000)
    medium.leave(1, T0 + 200_000)
    (fate,) = medium.settle(T0 + SECOND)
    assert (fate.transmission, outcomes_of(fate)) == (sent(1), {3: "received"})
    medium.join(Equipment(address=2), BOTH, T0 + SECOND)
    medium.place(2, T0 + SECOND, (6.4e6, 0.0, 0.0), STILL, 9_000.0)
    medium.transmit(sent(3, SECOND))
    assert outcomes_of(medium.settle(T0 + 2 * SECOND)[0]) == {2: "received"}


def test_a_station_joining_during_a_frame_hears_the_next_only():
    medium = medium_of((1, 0.0), (3, 1_000.0))
    medium.join(Equipment(address=2), BOTH, T0 + 100_000)
    medium.place(2, T0 + 100_000, (6.4e6, 0.0, 0.0), STILL, 9_000.0)
    fates = settle_all(medium, sent(1), sent(1, MS, sequence=1))
    assert [fate.receivers for fate in fates] == [(3,), (2, 3)]


def test_calls_that_cannot_be():
    medium = medium_of((1, 0.0))
    medium.join(Equipment(address=2), BOTH, T0)
    for bad in (sent(7), sent(2), sent(1, -1), sent(1, channel=3), sent(1, data=b"")):
        with pytest.raises(ValueError, match=r"not there|before it was placed|no bytes, or a channel"):
            medium.transmit(bad)
    for call in (
        lambda: medium.join(Equipment(address=1), BOTH, T0),
        lambda: medium.join(Equipment(address=-1), BOTH, T0),
        lambda: medium.tune(1, frozenset({3}), T0),
        lambda: medium.tune(7, BOTH, T0),
        lambda: medium.leave(7, T0),
        lambda: medium.place(7, T0, STILL, STILL, 0.0),
        lambda: Medium([AIR, AIR], seed=1),
        lambda: Medium([AIR], Laws(loss=1.1), seed=1),
    ):
        with pytest.raises(ValueError, match=r"cannot join|no such channel|not there|same number|probability"):
            call()
    medium.leave(1, T0 + MS)
    with pytest.raises(ValueError, match="not there"):
        medium.transmit(sent(1, MS))


def test_what_is_settled_stays():
    medium = medium_of((1, 0.0), (2, 0.0))
    medium.settle(T0 + MS)
    for call in (
        lambda: medium.transmit(sent(1, MS - 1)),
        lambda: medium.place(1, T0 + MS - 1, STILL, STILL, 0.0),
        lambda: medium.join(Equipment(address=3), BOTH, T0),
    ):
        with pytest.raises(ValueError, match="already settled"):
            call()
    assert medium.settle(T0) == []
    medium.transmit(sent(1, MS))
    assert len(medium.settle(T0 + SECOND)) == 1


def test_a_fate_comes_only_when_its_due_instant_is_past():
    medium = medium_of((1, 0.0))
    medium.transmit(sent(1))
    assert medium.settle(T0 + 320_000) == []
    assert len(medium.settle(T0 + 320_001)) == 1


def test_the_past_is_forgotten():
    medium = medium_of((1, 0.0), (2, 1_000.0))
    for second in range(200):
        medium.join(Equipment(address=100 + second), BOTH, T0 + second * SECOND)
        medium.place(1, T0 + second * SECOND, (6.4e6, 0.0, 0.0), STILL, 9_000.0)
        for number in range(5):
            medium.transmit(sent(1, second * SECOND + number * MS))
        medium.leave(100 + second, T0 + second * SECOND + 10 * MS)
        assert len(medium.settle(T0 + (second + 1) * SECOND)) == 5
        kept = (medium._live, medium._waiting, medium._changes, medium._presences, medium._there)
        assert [len(one) for one in kept] == [0, 0, 0, 2, 2]
        assert medium._stations.count == 2


def test_what_was_told_of_a_former_stay_is_void():
    """A station that was killed and is back at once: neither its old places nor its old frames are its new ones."""
    medium = medium_of((1, 0.0), (2, 10_000.0))
    medium.settle(T0 + SECOND)
    away_ns = T0 + SECOND
    medium.place(1, away_ns + 300, (-6.4e6, 0.0, 0.0), STILL, 9_000.0)
    medium.tune(1, frozenset(), away_ns + 300)
    medium.transmit(Transmission(1, 7, 0, 1, away_ns + 400, FRAME))
    medium.leave(1, away_ns + 100)
    medium.join(Equipment(address=1), BOTH, away_ns + 200)
    medium.place(1, away_ns + 200, (6.4e6, 0.0, 0.0), STILL, 9_000.0)
    medium.transmit(Transmission(1, 8, 0, 1, away_ns + 500, FRAME))
    medium.transmit(Transmission(2, 1, 0, 1, away_ns + MS, FRAME))
    fates = medium.settle(away_ns + SECOND)
    assert [(f.transmission.session, f.outcomes) for f in fates] == [(8, (Outcome.RECEIVED,)), (1, (Outcome.RECEIVED,))]


def test_who_comes_and_goes_all_the_time_leaves_nothing_behind_even_if_the_channel_is_never_quiet():
    medium = medium_of((1, 0.0), (2, 1_000.0), (3, 2_000.0))
    medium.join(Equipment(address=9, power_dbm=-20.0, listens=False), frozenset(), T0)
    medium.place(9, T0, (6.4e6, 500.0, 0.0), STILL, 9_000.0)
    for n in range(1_000):
        medium.jam(Burst(9, 2, T0 + n * MS, 3 * MS))
        medium.leave(3, T0 + n * MS + 500_000)
        medium.join(Equipment(address=3), BOTH, T0 + n * MS + 600_000)
        medium.place(3, T0 + n * MS + 600_000, (6.4e6, 2_000.0, 0.0), STILL, 9_000.0)
        medium.transmit(sent(1, n * MS + 100_000, sequence=n))
        medium.transmit(sent(2, n * MS + 650_000, sequence=n))
        fates = medium.settle(T0 + n * MS + 999_999)
        assert [outcomes_of(fate) for fate in fates] == [{2: "received", 3: "received"}, {1: "received", 3: "received"}]
        assert medium._stations.count <= 4 + 2 * 65
        assert len(medium._live) <= 12
