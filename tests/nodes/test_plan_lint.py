"""Plans that can fly and will hardly work: each check of `lint` with a plan just good enough and one just not."""

import json
from pathlib import Path
from typing import Any

import pytest

from nodes.main import run
from nodes.shipped import CONFIGS

AGREEMENT = ("agreements", "safety-of-flight-2015.toml")
QUIET = ("scenarios", "quiet.toml")
ENCOUNTER = ("scenarios", "encounter-2015.toml")
PARIS = ("scenarios", "paris-2021.toml")
TDMA = (
    'access = "tdma"\nslot_ms = 20\nslots = 50\n'
    "shared_slots = [4, 9, 14, 19, 24, 29, 34, 39, 44, 49]\nslots_per_station = 2\n"
)
RATE = 'bit_rate_bps = 31500\naccess = "tdma"'
SHARED = "shared_slots = [4, 9, 14, 19, 24, 29, 34, 39, 44, 49]"
REPORTS = "every_s = 1\nlimit_s = 5"
IDENTS = "# IDENT\nevery_s = 20\nlimit_s = 60"
ANSWERS = "limit_s = 10\ncalls = 3"
HAWK_11 = 'call_sign = "HAWK 11"\n'
MONITOR = "at = [35.40, 36.50, 200]"
CSMA = 'access = "csma"\nbackoff_ms = 10\nbackoff_slots = 8\n'
GUARD = "frequency_mhz = 121.5"

Change = tuple[tuple[str, str], str, str]


def spoil(configs: Path, where: tuple[str, str], old: str, new: str) -> None:
    file = configs.joinpath(*where)
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1, old
    file.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture
def sound(configs: Path) -> Path:
    """The shipped configurations: nothing is unwise in them."""
    return configs


def found(path: Path, capsys: pytest.CaptureFixture[str], code: int = 0) -> list[dict[str, Any]]:
    """What lint says of a file."""
    capsys.readouterr()
    assert run(["lint", str(path), "--json"]) == code, capsys.readouterr().err
    return list(json.loads(capsys.readouterr().out))


def area(south: float, west: float, north: float, east: float) -> Change:
    box = f"[area]\nsouth_deg = {south}\nwest_deg = {west}\nnorth_deg = {north}\neast_deg = {east}\n"
    return QUIET, "seed = 1\n", f"seed = 1\n{box}"


def stray(frequency_mhz: float) -> Change:
    channel = f'number = 9\nname = "stray"\nfrequency_mhz = {frequency_mhz}\nbandwidth_khz = 25\nbit_rate_bps = 31500\n'
    return QUIET, "seed = 1\n", f'seed = 1\n[[unagreed_channel]]\n{channel}access = "aloha"\n'


def hawk(line: str) -> Change:
    return QUIET, HAWK_11, f"{HAWK_11}{line}\n"


def medium(line: str) -> Change:
    return QUIET, "seed = 1\n", f"seed = 1\n[medium]\n{line}\n"


def event(line: str) -> Change:
    return QUIET, "seed = 1\n", f"seed = 1\n[[event]]\nat_s = 5\n{line}\n"


def term(old: str, new: str) -> Change:
    return AGREEMENT, old, new


def slotless(access: str) -> Change:
    return term(TDMA, access)


PAIRS: dict[str, tuple[tuple[str, str], list[Change], list[Change], str, tuple[str, ...]]] = {
    # the scenario; what makes it just good enough; what makes it unwise; the key; what is told
    "margin": (
        QUIET, [term("margin_ms = 1", "margin_ms = 1.27")], [term("margin_ms = 1", "margin_ms = 1.3")],
        "channel.0.slot_ms",
        ("64 bytes, takes 16.25 ms", "2.47 ms of delay over 400 NM (bounds.range_nm)", "1.3 ms,", "0.03 ms short;",
         "room for 63 bytes, enough for all messages of today (INTENT has 57)", "or margin_ms"),
    ),
    "no margin helps": (
        QUIET, [term(RATE, RATE.replace("31500", "31200"))], [term(RATE, RATE.replace("31500", "29000"))],
        "channel.0.slot_ms", ("takes 17.66 ms", "1.13 ms short, and 0.13 ms short without the margin", "59 bytes"),
    ),
    "range": (
        QUIET, [term("range_nm = 400", "range_nm = 444")], [term("range_nm = 400", "range_nm = 450")],
        "channel.0.slot_ms", ("2.78 ms of delay over 450 NM", "0.03 ms short"),
    ),
    "area": (
        QUIET,
        [term("margin_ms = 1", "margin_ms = 2"), area(34, 35, 36, 38)],
        [term("margin_ms = 1", "margin_ms = 2"), area(33, 34.5, 37, 38.5)],
        "channel.0.slot_ms", ("over 310 NM (area)", "0.17 ms short", "change slot_ms, bit_rate_bps or area"),
    ),
    "bands": (
        QUIET, [term(GUARD, "frequency_mhz = 127.525")], [term(GUARD, "frequency_mhz = 127.52")],
        "channel.1.frequency_mhz", ("guard overlaps with common (127.5 MHz) by 5 kHz", "25 kHz apart"),
    ),
    "unagreed bands": (
        QUIET, [stray(130.1)], [stray(121.49)],
        "unagreed_channel.0.frequency_mhz", ("stray overlaps with guard (121.5 MHz) by 15 kHz",),
    ),
    "aloha": (
        PARIS, [slotless('access = "aloha"\n'), term(REPORTS, "every_s = 1\nlimit_s = 7")],
        [slotless('access = "aloha"\n')],
        "channel.0.access",
        ("11 stations x 1.65 frames/s x 12.5 ms offer a load of G = 0.23;", "35.6% of all POSITIONs", "5 in a row",
         "0.0057"),
    ),
    "aloha for few": (
        QUIET, [slotless('access = "aloha"\n')],
        [slotless('access = "aloha"\n'), term(REPORTS, "every_s = 1\nlimit_s = 3")],
        "channel.0.access", ("4 stations", "12.4% of all POSITIONs", "3 in a row", "limit_s = 3", "0.0019"),
    ),
    "aloha and chance": (
        QUIET, [slotless('access = "aloha"\n'), medium("loss = 0.04")],
        [slotless('access = "aloha"\n'), medium("loss = 0.2")],
        "channel.0.access", ("12.4% of all POSITIONs", "29.9% with medium.loss", "0.0024"),
    ),
    "a load beyond all": (
        QUIET, [slotless('access = "aloha"\n'), term(REPORTS, "every_s = 1\nlimit_s = 40")],
        [slotless('access = "aloha"\n'), term(REPORTS, "every_s = 0.1\nlimit_s = 40")],
        "channel.0.access", ("G = 0.75, more than the 0.5 it can bear",),
    ),
    "slotted aloha": (
        PARIS,
        [slotless('access = "slotted_aloha"\nslot_ms = 20\nslots = 50\n'), term(REPORTS, "every_s = 1\nlimit_s = 6")],
        [slotless('access = "slotted_aloha"\nslot_ms = 20\nslots = 50\n')],
        "channel.0.access", ("x 20 ms offer a load of G = 0.36;", "28.1% of all POSITIONs", "0.0018"),
    ),
    "csma": (
        PARIS, [slotless(CSMA + "attempts = 5\n")], [slotless(CSMA + "attempts = 1\n")],
        "channel.0.access", ("G = 0.23;", "26.8% of all POSITIONs", "0.0014"),
    ),
    "one lost report": (
        QUIET, [term(REPORTS, "every_s = 1\nlimit_s = 2")], [term(REPORTS, "every_s = 1\nlimit_s = 1.9")],
        'clause."4.1".limit_s', ("one lost POSITION leaves 2 s without one: 2 or more",),
    ),
    "one lost report off the period": (
        QUIET, [term(REPORTS, "every_s = 1.5\nlimit_s = 4")], [term(REPORTS, "every_s = 1.5\nlimit_s = 3.9")],
        'clause."4.1".limit_s', ("one lost POSITION leaves 4 s without one, 1 s of it for a slot",),
    ),
    "one lost ident": (
        QUIET, [term(IDENTS, "\nevery_s = 20\nlimit_s = 41")], [term(IDENTS, "\nevery_s = 20\nlimit_s = 40.9")],
        'clause."1.4".limit_s', ("one lost IDENT leaves 41 s without one, 1 s of it for a slot",),
    ),
    "answers": (
        QUIET, [term(ANSWERS, "limit_s = 1.2\ncalls = 3")], [term(ANSWERS, "limit_s = 1.1\ncalls = 3")],
        'clause."6.3".limit_s', ("an answer can take 1.14 s until a slot for it comes on common",),
    ),
    "answers of uncrewed": (
        ENCOUNTER, [term(ANSWERS, "limit_s = 3.2\ncalls = 3")], [term(ANSWERS, "limit_s = 3.1\ncalls = 3")],
        'clause."6.3".limit_s', ("(REAPER 1) can take 3.14 s, 2 s of it its pilot's",),
    ),
    "chance and calls": (
        QUIET, [medium("loss = 0.05")], [medium("loss = 0.06")],
        "medium.loss", ("3 calls (6.3) all stay without an answer that is heard with probability 0.0016", "0.051"),
    ),
    "chance and reports": (
        QUIET, [medium("loss = 0.25"), term(ANSWERS, "limit_s = 10\ncalls = 9")],
        [medium("loss = 0.26"), term(ANSWERS, "limit_s = 10\ncalls = 9")],
        "medium.loss", ("5 POSITIONs in a row, longer than 4.1's limit_s = 5, are lost with probability 0.0012",),
    ),
    "chance later": (
        QUIET, [event("loss = 0.05")], [event("loss = 0.06")], "event.0.loss", ("3 calls (6.3)", "0.0016"),
    ),
    "drawn clocks and margin": (
        QUIET, [term("margin_ms = 1", "margin_ms = 0.4")], [term("margin_ms = 1", "margin_ms = 0.39")],
        'clause."3.1".margin_ms', ("errors are left out have clocks up to 0.4 ms wrong",),
    ),
    "drawn clocks and slots": (
        QUIET, [term("margin_ms = 1", "margin_ms = 0.5"), term(RATE, RATE.replace("31500", "30650"))],
        [term("margin_ms = 1", "margin_ms = 0.5"), term(RATE, RATE.replace("31500", "30600"))],
        "channel.0.slot_ms", ("two of them 0.8 ms", "only 0.80 ms between frames"),
    ),
    "a clock that reaches into others": (
        QUIET, [hawk("errors = { clock_us = 870 }")], [hawk("errors = { clock_us = 880 }")],
        "station HAWK 11: errors.clock_us",
        ("after 0 s its frames in slot 2 of common collide with those of SOKOL 2 in slot 1", "up to 1.28 ms apart"),
    ),
    "a slow clock that reaches into others": (
        QUIET, [hawk("errors = { clock_us = -870 }")], [hawk("errors = { clock_us = -880 }")],
        "station HAWK 11: errors.clock_us", ("in slot 2 of common collide with those of HAWK 12 in slot 3",),
    ),
    "a clock that drifts into others": (
        QUIET, [hawk("errors = { clock_us = 500, drift_ppm = 6 }")],
        [hawk("errors = { clock_us = 500, drift_ppm = 7.5 }")],
        "station HAWK 11: errors.drift_ppm",
        ("after 50 s its frames in slot 2 of common collide with those of SOKOL 2 in slot 1",),
    ),
    "a clock off its slot": (
        QUIET, [hawk("slots = [11, 16]\nerrors = { clock_us = 1000 }")],
        [hawk("slots = [11, 16]\nerrors = { clock_us = -1010 }")],
        "station HAWK 11: errors.clock_us",
        ("after 0 s its clock is more than 1.00 ms wrong (margin_ms of 3.1), up to 1.01 ms",),
    ),
    "a clock that drifts off its slot": (
        QUIET, [hawk("slots = [11, 16]\nerrors = { clock_us = -200, drift_ppm = -12 }")],
        [hawk("slots = [11, 16]\nerrors = { clock_us = -200, drift_ppm = -16 }")],
        "station HAWK 11: errors.drift_ppm", ("after 50 s its clock is more than 1.00 ms wrong", "up to 1.16 ms"),
    ),
    "a fast ring": (
        ENCOUNTER, [term("ring_nm = 20", "ring_nm = 14")], [term("ring_nm = 20", "ring_nm = 12")],
        'clause."6.2".ring_nm',
        ("HAWK 12 and SOKOL 1 close at up to 701 kt and need 36.0 s from the ring to 5 NM (6.1)",
         "talking may take 40 s", "second_s = 30 and limit_s of 6.3 = 10", "12.8 NM"),
    ),
    "many to call": (
        ENCOUNTER, [term("first_s = 15", "first_s = 2")], [term("first_s = 15", "first_s = 1.9")],
        'clause."6.2".first_s', ("has 2 aircraft of the other party inside the ring at once", "2 s for all of them"),
    ),
    "few shared slots": (
        ENCOUNTER, [term(SHARED, "shared_slots = [4, 14, 24, 34]")], [term(SHARED, "shared_slots = [4, 14, 24]")],
        "channel.0.shared_slots",
        ("3 aircraft that call first", "3 answers a second in 3 shared slots a second, 56% of which collide"),
    ),
    "horizon": (
        QUIET, [(QUIET, MONITOR, "at = [38.1, 36.50, 200]")], [(QUIET, MONITOR, "at = [39.0, 36.50, 200]")],
        "station HAWK 11: waypoints", ("beyond the radio horizon of every monitor for 61 of 61 s",),
    ),
    "no earth": (
        QUIET, [(QUIET, MONITOR, "at = [39.0, 36.50, 200]"), medium('earth = "none"')],
        [(QUIET, MONITOR, "at = [38.1, 36.50, 200]"), medium('earth = "1"')],
        "station HAWK 11: waypoints", ("beyond the radio horizon",),
    ),
    "too weak": (
        QUIET, [hawk("power_dbm = 10")], [hawk("power_dbm = 0")],
        "station HAWK 11: power_dbm", ("below the sensitivity of every monitor on common (10 dB over noise)",),
    ),
    "outside": (
        QUIET, [area(35, 35, 36, 37.3)], [area(35.01, 35, 36, 38)],
        "station HAWK 11: waypoints", ("outside the area all the time: it flies between 35.00 and 35.00",),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PAIRS)
def test_a_plan_just_good_enough_is_fine(name: str, sound: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scenario, good, _, key, _ = PAIRS[name]
    for change in good:
        spoil(sound, *change)
    assert [w["expected"] for w in found(sound.joinpath(*scenario), capsys) if w["key"] == key] == []


@pytest.mark.parametrize("name", PAIRS)
def test_a_plan_just_not_is_told_with_numbers_and_key(
    name: str, sound: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario, _, bad, key, told = PAIRS[name]
    for change in bad:
        spoil(sound, *change)
    (warning,) = (w for w in found(sound.joinpath(*scenario), capsys) if w["key"] == key)
    assert warning["severity"] == "warning"
    for part in told:
        assert part in warning["expected"]


@pytest.mark.parametrize(
    "name", ["margin", "range", "no margin helps", "bands", "one lost report", "one lost ident", "answers"]
)
def test_what_an_agreement_alone_shows(name: str, sound: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, _, bad, key, told = PAIRS[name]
    assert found(sound.joinpath(*AGREEMENT), capsys) == []
    for change in bad:
        spoil(sound, *change)
    (warning,) = found(sound.joinpath(*AGREEMENT), capsys)
    assert (warning["file"], warning["key"]) == (str(sound.joinpath(*AGREEMENT)), key)
    assert told[0] in warning["expected"]


def test_nothing_is_unwise_in_what_is_shipped(configs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in sorted(configs.rglob("*.toml")):
        assert found(path, capsys) == [], path.name


def test_two_milliseconds_of_margin_would_be_too_much_for_it(configs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A frame of 64 bytes, 2 ms late, over 400 NM, is not over before the next slot: 0.73 ms are missing."""
    spoil(configs, AGREEMENT, "margin_ms = 1", "margin_ms = 2")
    for path in sorted(configs.rglob("*.toml")):
        if path.stem in ("wide-1mbps", "test-keys"):
            continue
        (warning,) = found(path, capsys)
        assert warning["key"] == "channel.0.slot_ms"
        assert "0.73 ms short" in warning["expected"]


def test_a_matrix_that_would_end_the_run_is_found_before_it_flies(
    sound: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """90 dB between all of them is better than free space at 60 NM and 127.5 MHz by 26 dB, at 243 MHz by 33."""
    signs = ["MON 1", "HAWK 11", "HAWK 12", "SOKOL 1", "SOKOL 2"]
    rows = [",".join(["", *signs]), *(",".join([sign, *["90"] * 5]) for sign in signs)]
    (sound / "scenarios" / "losses.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    path = sound.joinpath(*QUIET)
    terms = sound / "agreements" / "safety-of-flight-2015.toml"
    terms.write_text(terms.read_text(encoding="utf-8").replace("excess_db = 6", "excess_db = 40"), encoding="utf-8")
    for excess_db, told in ((3, 1), (40, 0)):
        text = 'seed = 1\n\n[medium]\npropagation = {{ model = "matrix", file = "losses.csv", excess_db = {} }}\n'
        path.write_text(
            (CONFIGS / "scenarios" / "quiet.toml").read_text().replace("seed = 1\n", text.format(excess_db))
        )
        warnings = [w for w in found(path, capsys) if w["key"] == "medium.propagation.file"]
        assert len(warnings) == told
        if warnings:
            assert "better than free space by" in warnings[0]["expected"]
            assert "the run would end there" in warnings[0]["expected"]
