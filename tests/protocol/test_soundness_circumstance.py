"""Ways in which a judge could accuse somebody innocent by the circumstances of a frame (2.3, 3.4, 4.3, 4.5, 4.6)."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np

from protocol.clauses.c4_3 import TrueTime
from protocol.messages import Emitter, Ident
from protocol.verdicts import Outcome
from radio.geodesy import ecef_m
from radio.propagation import free_space_loss_db, tenths
from tests.protocol.conftest import RECEIVER, Monitor, shipped_agreement, six_aircraft
from tests.protocol.traffic import A_TEXT, A, B, hail, ident, position

FAR = {"longitude_deg": 38.0}


def accused(monitor: Any) -> set[str]:
    """The clauses that 100001 is accused of."""
    return {clause for clause, subject in monitor.fails() if subject == A_TEXT}


def test_a_power_that_was_rounded_up_accuses_nobody(monitor: Any) -> None:
    """At exactly 43 dBm, and heard exactly 6 dB stronger than over free space; in tenths that may read more."""
    here_m = ecef_m(RECEIVER.latitude_deg, RECEIVER.longitude_deg, RECEIVER.height_m)
    for i in range(300):
        longitude_deg = 36.4 + i / 100
        away_m = float(np.linalg.norm(ecef_m(35.0, longitude_deg, 6_096.0) - here_m))
        power_dbm = int(tenths(43.0 + 6.0 - free_space_loss_db(away_m, 127.5e6))) / 10
        sure = {"nic": 11, "nacv": 4, "velocity_east_mps": 911.0}
        monitor.hear(i + 0.0025, A, i, position(longitude_deg=longitude_deg, **sure), power_dbm=power_dbm)
    monitor.close(301.0)
    assert "3.4" not in accused(monitor)
    assert monitor.outcomes("3.4", A_TEXT).count(Outcome.PASS) == 300
    monitor.hear(302.0025, A, 302, position(longitude_deg=longitude_deg, **sure), power_dbm=power_dbm + 0.3)
    monitor.close(303.0)
    assert "3.4" in accused(monitor), "three tenths more are proof"


def test_a_frame_repeated_on_another_channel_is_anybodys(monitor: Any) -> None:
    monitor.hear(0.0025, A, 0, position())
    monitor.hear(3.002, A, 2, position(**FAR), channel=1, heard_on=2, sent_s=3.0, power_dbm=-20.0)
    monitor.close(10.0)
    assert not accused(monitor) & {"3.4", "4.5"}


def test_a_call_in_the_session_before_was_a_call_of_its_own(monitor: Any) -> None:
    monitor.hear(0.0025, A, 0, position())
    monitor.hear(1.0, A, 1, hail(B), channel=2)
    monitor.hear(6.0, A, 0, position(), session=2, channel=2)
    monitor.close(10.0)
    assert accused(monitor) == set()
    assert monitor.outcomes("2.3", A_TEXT) == [Outcome.PASS, Outcome.PASS]


def test_a_session_that_has_just_begun_may_have_had_one_before(monitor: Any) -> None:
    monitor.hear(6.0, A, 0, position(), session=2, channel=2)
    monitor.close(10.0)
    assert monitor.outcomes("2.3", A_TEXT) == [Outcome.INCONCLUSIVE]


def test_what_was_sent_before_the_agreement_was_in_force_is_no_breach_of_it() -> None:
    agreement = shipped_agreement()
    start = agreement.in_force_from.replace(year=2015, month=10, day=21, hour=9, minute=0, second=0)
    later = agreement.model_copy(update={"in_force_from": start + timedelta(seconds=10)})
    monitor = Monitor(later, six_aircraft())
    old = Ident("X", Emitter.FIXED_WING, 0xDEADBEEF, frozenset())
    monitor.hear(10.0005, A, 5, old, sent_s=9.9992)
    monitor.hear(12.0005, A, 7, old)
    monitor.close(20.0)
    assert monitor.fails() == [("1.3", A_TEXT)], "the second frame's"


def test_two_vague_reports_around_a_silence_are_no_vague_half_minute(monitor: Any) -> None:
    monitor.hear(0.0025, A, 0, position(nacp=5))
    monitor.hear(1.0025, A, 1, ident(sign_off=True))
    monitor.hear(40.0025, A, 2, position(nacp=5))
    monitor.close(50.0)
    assert "4.6" not in accused(monitor)


def test_a_recording_of_a_turn_ago_proves_neither_power_nor_place(monitor: Any) -> None:
    """Five frames heard; the next, which was not, comes again 1024 s later, from a repeater near the monitor."""
    for i in range(5):
        monitor.hear(i + 0.0025, A, i, position())
    monitor.hear(1044.0, A, 20, position(**FAR), sent_s=20.0, power_dbm=-20.0)
    monitor.close(1100.0)
    assert accused(monitor) == set()


def test_stale_frames_without_end_leave_nothing_behind(make_monitor: Callable[..., Any]) -> None:
    monitor = make_monitor()
    for i in range(300):
        monitor.hear(i + 9.0, A, i, position(), sent_s=float(i))
    clause = next(c for c in monitor.judge.teller.clauses if isinstance(c, TrueTime))
    assert len(clause.wrong) == 1


def test_what_came_once_is_not_told_again(monitor: Any) -> None:
    for i in range(50):
        monitor.hear(20.0 + i, A, 7, position(), sent_s=5.0)
    assert len(monitor.outcomes("4.3", "unattributed")) == 1
