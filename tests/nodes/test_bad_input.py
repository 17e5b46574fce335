"""Everything a user can get wrong in a file: told at once, each in one line, with exit code 2 and nothing written."""

from collections.abc import Callable
from pathlib import Path

import pytest

from nodes.main import run
from nodes.shipped import CONFIGS

Edit = Callable[[str], str]
HAWK_11 = 'address = "ae1001"'
HAWK_12 = 'address = "ae1002"'
WAYPOINTS = "[[0, 35, 37, 24000], [75, 35, 36.82, 24000]]"


def replaced(old: str, new: str) -> Edit:
    def edit(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return edit


def added(tables: str) -> Edit:
    return lambda text: text + tables


def slots(first: list[int], second: list[int]) -> Edit:
    def edit(text: str) -> str:
        text = replaced(HAWK_11, f"slots = {first}\n{HAWK_11}")(text)
        return replaced(HAWK_12, f"slots = {second}\n{HAWK_12}")(text)

    return edit


def fault(name: str, station: str, rest: str = "") -> Edit:
    return added(f'\n[[fault]]\nname = "{name}"\nstation = "{station}"\n{rest}\n')


CROWD = "".join(
    f'\n[[station]]\naddress = "{n:06x}"\ncall_sign = "X {n}"\nparty = "coalition"\nrole = "aircraft"\n'
    f"waypoints = {WAYPOINTS}\n"
    for n in range(1, 21)
)
AGREED = "the agreement is in force from 2015-10-20 00:00:00+00:00"
ONE_ADDRESS = ("station.address = 'ae1001': 2 stations have it",)
BAD: dict[str, tuple[Edit, tuple[str, ...]]] = {
    "no start": (replaced("start = 2015-10-21T09:00:00Z\n", ""), ("start: this key is missing",)),
    "a start without a zone": (replaced("09:00:00Z", "09:00:00"), ("start = 2015-10-21 09:00:00: needs a time zone",)),
    "a start too early": (replaced("2015-10-21", "2015-10-19"), ("start = 2015-10-19 09:00:00+00:00: " + AGREED,)),
    "a start beyond all clocks": (replaced("2015-10-21", "9999-10-21"), ("a year from 1971 to 2200",)),
    "a misspelt key": (replaced("seed = 1", "sede = 1"), ("sede: no such key here; remove it or look for",)),
    "one fault where a list is due": (added("\n[fault]\nname = 'silent'\n"), ("fault: a list is due here: values in",)),
    "a missing agreement": (replaced("of-flight-2015", "gone"), ("safety-gone.toml: no such file",)),
    "two stations of one address": (replaced(HAWK_12, HAWK_11), ONE_ADDRESS),
    "two stations of one call sign": (
        replaced('"HAWK 12"', '"HAWK 11"'),
        ("station.call_sign = 'HAWK 11': 2 stations",),
    ),
    "an address that is none": (
        replaced(HAWK_12, 'address = "zz"'),
        ("station.2 (HAWK 12).address = 'zz': an address is six hex",),
    ),
    "a party nobody has signed for": (
        replaced('"federation"', '"empire"'),
        ("station SOKOL 1: party = 'empire': no such party; there are ['coalition', 'federation']",),
    ),
    "no party": (replaced('party = "federation"\n', ""), ("station SOKOL 1: party: is missing",)),
    "a role that is none": (replaced('"uncrewed"', '"drone"'), ("station.3 (REAPER 1).role = 'drone': ",)),
    "nobody who listens": (replaced('role = "monitor"', 'role = "aircraft"'), ("needs waypoints or track",)),
    "a fault of nobody": (fault("silent", "EAGLE 1"), ("fault.0.station = 'EAGLE 1': no station has this call sign",)),
    "a fault of a monitor": (fault("silent", "MON 1"), ("fault.0.station = 'MON 1': is a monitor",)),
    "a fault that is none": (fault("sulky", "HAWK 11"), ("fault.0.name = 'sulky': ",)),
    "a target of nobody": (
        fault("too_close", "HAWK 11", 'target = "EAGLE 1"'),
        ("fault.0.target = 'EAGLE 1': no station has this call sign",),
    ),
    "no target": (fault("too_close", "HAWK 11"), ("fault.0.target: too_close needs the call sign it flies at",)),
    "no channel to stray to": (fault("wrong_channel", "HAWK 11"), ("needs an [[unagreed_channel]]",)),
    "slots that overlap": (slots([0, 25], [25, 40]), ("station HAWK 12: slots = 25: already belongs to HAWK 11",)),
    "a shared slot": (slots([4, 25], [26, 40]), ("station HAWK 11: slots = 4: is a shared slot of common",)),
    "a slot that is none": (slots([50, 25], [26, 40]), ("slots = 50: common has slots 0 to 49",)),
    "more frames than slots": (
        slots([0], [26, 40]),
        ("station HAWK 11: slots = 1: 1 reserved slots a second for 1.65",),
    ),
    "more stations than slots": (added(CROWD), ("station: 25 stations need 2 slots each on common, 40 are left",)),
    "a requirement of no clause": (replaced('require."4.1"', 'require."9.9"'), ('require."9.9": no such clause',)),
    "a share over one": (replaced("decided = 0.95", "decided = 95"), ('require."4.1".decided = 95: ',)),
    "one waypoint": (replaced(WAYPOINTS, "[[0, 35, 37, 24000]]"), ("station HAWK 11: waypoints: a path needs two",)),
    "a path that is over before it begins": (
        replaced(WAYPOINTS, "[[200, 35, 37, 24000], [275, 35, 36.82, 24000]]"),
        ("station HAWK 11: waypoints: none of it lies between the scenario's start and its end",),
    ),
    "a path faster than a report can say": (
        replaced(WAYPOINTS, "[[0, 35, 37, 24000], [75, 55, 37, 24000]]"),
        ("station HAWK 11: waypoints: leg 1 is flown at ",),
    ),
    "a place off the earth": (
        replaced("[35.10, 36.90, 200]", "[nan, 36.90, 200]"),
        ("station.0 (MON 1).at.0 = nan: ",),
    ),
    "a height in space": (
        replaced("36.82, 24000", "36.82, 1e9"),
        ("station.1 (HAWK 11).waypoints.1.3 = 1000000000.0: ",),
    ),
    "a power that is none": (
        replaced(HAWK_11, f"power_dbm = nan\n{HAWK_11}"),
        ("station.1 (HAWK 11).power_dbm = nan: ",),
    ),
    "a loss over one": (added("\n[medium]\nloss = 2\n"), ("medium.loss = 2: ",)),
    "no time to fly": (replaced("duration_s = 70", "duration_s = 0"), ("duration_s = 0: ",)),
    "time without end": (replaced("duration_s = 70", "duration_s = inf"), ("duration_s = inf: ",)),
    "a fault after the end": (
        fault("silent", "HAWK 11", "at_s = 80"),
        ("fault.0.at_s = 80: the scenario is over after 70 s",),
    ),
    "a fault at the very end": (fault("silent", "HAWK 11", "at_s = 70"), ("fault.0.at_s = 70: the scenario is over",)),
    "a number in quotes": (replaced("duration_s = 70", 'duration_s = "70"'), ("duration_s = '70': Input should be",)),
    "a number in quotes in a list": (
        replaced("[35.10, 36.90, 200]", '[35.10, "36.90", 200]'),
        ("station.0 (MON 1).at.1 = '36.90': Input should be a valid number",),
    ),
    "a start in quotes": (
        replaced("2015-10-21T09:00:00Z", '"2015-10-21T09:00:00Z"'),
        ("start = '2015-10-21T09:00:00Z': Input should be a valid datetime",),
    ),
    "a yes for a number": (added("\n[medium]\nloss = true\n"), ("medium.loss = True: ",)),
    "two monitors for one file": (
        added('\n[[station]]\naddress = "0a0002"\ncall_sign = "MONITOR"\nrole = "monitor"\nat = [35, 37, 0]\n'),
        ("station MONITOR: call_sign: its recording would be called as the first monitor's",),
    ),
    "three things at once": (
        lambda text: fault("silent", "EAGLE 1")(replaced(HAWK_12, HAWK_11)(replaced("09:00:00Z", "09:00:00")(text))),
        ("station.address = 'ae1001'", "fault.0.station = 'EAGLE 1'", "start = 2015-10-21 09:00:00"),
    ),
}


def told(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The lines of a refusal: exit code 2, nothing on standard output."""
    assert run(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in err
    return err.splitlines()


def refused(scenario: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The same messages from lint and from simulate, and nothing written."""
    output = scenario.parent / "out"
    lines = told(["simulate", str(scenario), "--output", str(output)], capsys)
    assert not output.exists()
    assert told(["lint", str(scenario)], capsys) == lines
    assert all(line.startswith("airaccord: ") for line in lines)
    return lines


@pytest.mark.parametrize("wrong", BAD)
def test_a_bad_scenario_is_told_in_one_line_for_each_error(
    wrong: str, configs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit, expected = BAD[wrong]
    path = configs / "scenarios" / "bad.toml"
    path.write_text(edit((path.parent / "encounter-2015.toml").read_text(encoding="utf-8")), encoding="utf-8")
    lines = refused(path, capsys)
    assert len(lines) == len(expected)
    for line, part in zip(lines, expected, strict=True):
        assert part in line
        assert "bad.toml: " in line or "no such file" in line


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "no such file"),
        (b"start = [", "is not TOML: "),
        (b"seed = " + b"1" * 5000, "is not TOML: "),
        (b"seed = " + b"[" * 5000, "is not TOML: "),
        (b"\xff\xfe", "cannot be read: "),
    ],
)
def test_a_file_that_is_missing_or_malformed(
    content: bytes | None, expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.toml"
    if content is not None:
        path.write_bytes(content)
    (line,) = refused(path, capsys)
    assert line.startswith(f"airaccord: {path}: {expected}")
    (line,) = told(["check", str(path), "--agreement", str(path)], capsys)
    assert line.startswith(f"airaccord: {path}: {expected}")


def test_an_empty_scenario_is_told_everything_that_it_lacks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bad.toml"
    path.write_text('agreement = "x.toml"\n', encoding="utf-8")
    keys = [line.split(": ")[2] for line in refused(path, capsys)]
    assert keys == ["title", "start", "duration_s", "station"]


TRACK = "paris-2021-10-07T1240Z.csv"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "2021-10-07T12:44",
            "2021-10-07T18:44",
            ["track = '34150e': the track has no rows between"] + ["has no rows"] * 10,
        ),
        (
            'icao24 = "3944e7"',
            'icao24 = "ffffff"',
            [f"station AFR23PJ: track = 'ffffff': no such aircraft in ../tracks/{TRACK}"],
        ),
        (TRACK, "gone.csv", ["gone.csv: file = No such file or directory: "]),
        (
            TRACK,
            "empty.csv",
            [
                f"empty.csv:1: {c} = no such column"
                for c in ("timestamp", "icao24", "latitude", "longitude", "altitude")
            ],
        ),
        (
            TRACK,
            "rows.csv",
            ["rows.csv:2: timestamp = 'noon': expected an instant", "rows.csv:3: latitude = '95': expected degrees"],
        ),
    ],
    ids=["never there", "another aircraft", "no file", "an empty file", "bad rows"],
)
def test_a_track_that_cannot_be_flown(
    old: str, new: str, expected: list[str], configs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (configs / "tracks" / "empty.csv").write_text("", encoding="utf-8")
    rows = (
        "timestamp,icao24,latitude,longitude,altitude\nnoon,3944e7,48,2,30000\n2021-10-07T12:44:00Z,3944e7,95,2,30000\n"
    )
    (configs / "tracks" / "rows.csv").write_text(rows, encoding="utf-8")
    path = configs / "scenarios" / "paris-2021.toml"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    lines = refused(path, capsys)
    assert len(lines) == len(expected)
    for line, part in zip(lines, expected, strict=True):
        assert part in line


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("in_force_from = 2015-10-20T00:00:00Z\n", "", ["in_force_from: this key is missing"]),
        ("in_force_from = 2015-10-20T00:00:00Z", "in_force_from = 2015-10-20T00:00:00", ["need a time zone"]),
        ('name = "federation"', 'name = "coalition"', ["is given twice"]),
        ("number = 5", "number = 1", ["is given twice"]),
        ("slot_ms = 20", "slot_ms = 30", ["channel.0: slot_ms x slots must divide one second"]),
        ("ring_nm = 20", "ring_nm = 5", ['clause."6.2".ring_nm (5) must be larger than clause."6.1"']),
        (
            "margin_ms = 1",
            "margin_ms = -2\nslack = 1",
            ['clause."3.1".margin_ms = -2: ', 'clause."3.1".slack: no such key'],
        ),
        ("margin_ms = 1", 'margin_ms = "2"', ["clause.\"3.1\".margin_ms = '2': Input should be a valid number"]),
        ("slots = 50", 'slots = "50"', ["channel.0.slots = '50': Input should be a valid integer"]),
        ("every_s = 1\nlimit_s = 5", "every_s = 5\nlimit_s = 5", ['clause."4.1": limit_s must be larger than every_s']),
    ],
)
def test_a_bad_agreement(
    old: str, new: str, expected: list[str], configs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = configs / "agreements" / "safety-of-flight-2015.toml"
    path.write_text(replaced(old, new)(path.read_text(encoding="utf-8")), encoding="utf-8")
    lines = told(["lint", str(path)], capsys)
    assert len(lines) == len(expected)
    for line, part in zip(lines, expected, strict=True):
        assert part in line
    assert [
        line.replace("/scenarios/..", "") for line in told(["lint", str(configs / "scenarios" / "quiet.toml")], capsys)
    ] == lines


def test_what_is_malformed_does_not_hide_what_does_not_fit_together(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One missing key, one misspelt one, and a party that nobody has: all said in one go."""
    text = (CONFIGS / "scenarios" / "quiet.toml").read_text()
    text = text.replace("../agreements", str(CONFIGS / "agreements")).replace("start = ", "begin = ")
    text = text.replace('party = "federation"', 'party = "nobody"', 1).replace("duration_s = 60", "duration_s = 0")
    file = tmp_path / "bad.toml"
    file.write_text(text)
    assert run(["lint", str(file)]) == 2
    told = capsys.readouterr().err.splitlines()
    for key in ("start:", "begin:", "duration_s = 0", "party = 'nobody'"):
        assert sum(key in line for line in told) == 1, told
    assert len(told) == 4
