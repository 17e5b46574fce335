"""The files of a scenario's radio: what is read from them, and everything that can be wrong with them."""

import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from nodes.flight import Flight, load
from nodes.flight_radio import Radio
from nodes.main import run
from nodes.problems import ConfigurationError, Problem
from radio.curves import VHF_25KHZ, WIDE_1MBPS, Curve
from radio.propagation import FreeSpace, LogDistance, Matrix, Own, Paths, PropagationError, TwoRay

HAWK_11 = 'address = "ae1001"\n'
CALL_SIGNS = ("MON 1", "HAWK 11", "HAWK 12", "SOKOL 1", "SOKOL 2")
STATIONS = str(sorted(CALL_SIGNS))
STRAY = (
    '\n[[unagreed_channel]]\nnumber = 9\nname = "stray"\nfrequency_mhz = 5000\nbandwidth_khz = 1000\n'
    'bit_rate_bps = 1000000\naccess = "aloha"\n'
)
MATRIX = '[medium.propagation]\nmodel = "matrix"\nfile = "losses.csv"\n'
PYTHON = '[medium.propagation]\nmodel = "python"\npython = "waves_of_mine:loss"\nexcess_db = 3\n'
PATTERN = "station HAWK 11: pattern"
PYTHON_KEY = "medium.propagation.python"


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    path, modules = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        del sys.modules[name]


class Desk:
    """A folder with a scenario whose text may be changed, and files beside it."""

    def __init__(self, configs: Path) -> None:
        self.scenario = configs / "scenarios" / "mine.toml"
        self.text = (configs / "scenarios" / "quiet.toml").read_text(encoding="utf-8")

    def file(self, name: str, text: str | bytes) -> Path:
        path = self.scenario.parent / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def edit(self, old: str, new: str) -> None:
        assert old in self.text
        self.text = self.text.replace(old, new, 1)

    def flight(self, tables: str = "") -> Flight:
        self.scenario.write_text(self.text + "\n" + tables, encoding="utf-8")
        return load(self.scenario)

    def told(self, tables: str = "") -> list[Problem]:
        with pytest.raises(ConfigurationError) as caught:
            self.flight(tables)
        return caught.value.problems

    def told_of_file(self, name: str, tables: str) -> list[tuple[str, str, str, str]]:
        """The problems of one file: where in it, the column, what was found and what is expected."""
        path = str(self.scenario.parent / name)
        assert all(p.file.startswith(path) for p in self.told(tables))
        return [(p.file.removeprefix(path), p.key, p.found, p.expected) for p in self.told(tables)]

    def told_of_key(self, key: str, tables: str) -> str:
        """The only problem, which is of a key of the scenario."""
        (problem,) = self.told(tables)
        assert (problem.file, problem.key) == (str(self.scenario), key)
        assert "\n" not in str(problem)
        return str(problem).removeprefix(f"{self.scenario}: {key}")


@pytest.fixture
def desk(configs: Path) -> Desk:
    return Desk(configs)


def matrix(names: tuple[str, ...] = CALL_SIGNS, loss: str = "120") -> str:
    rows = [",".join(["", *names])]
    rows += [",".join([a, *("" if a == b else loss for b in names)]) for a in names]
    return "\n".join(rows) + "\n"


def some_paths(transmitter: int = 0xAE1001, receiver: int = 0x155001) -> Paths:
    one = np.ones(1)
    return Paths(one * 1e4, np.array([transmitter]), np.array([receiver]), one * 10, one * 20)


# ------------------------------------------------------------ what is read


def test_nothing_said_is_free_space(desk: Desk) -> None:
    assert desk.flight().radio == Radio(propagation=FreeSpace(), curves={}, patterns={})


def test_formulas(desk: Desk) -> None:
    assert desk.flight('[medium.propagation]\nmodel = "free_space"\n').radio.propagation == FreeSpace()
    assert desk.flight('[medium.propagation]\nmodel = "two_ray"\n').radio.propagation == TwoRay()
    table = '[medium.propagation]\nmodel = "log_distance"\nexponent = 3\n'
    assert desk.flight(table).radio.propagation == LogDistance(exponent=3, reference_m=1.0, shadowing_db=0.0, seed=1)
    given = LogDistance(exponent=3, reference_m=100, shadowing_db=6, seed=1)
    assert desk.flight(table + "reference_m = 100\nshadowing_db = 6\n").radio.propagation == given


def test_curves_by_channel(desk: Desk) -> None:
    desk.file("own.csv", "sinr_db,success\n5,0.5\n6,1\n")
    curves = (
        '[[medium.curve]]\nchannel = 1\npreset = "vhf_25khz"\n[[medium.curve]]\nchannel = 9\npreset = "wide_1mbps"\n'
        '[[medium.curve]]\nchannel = 2\nfile = "own.csv"\n'
    )
    own = Curve(sinr_db=(5.0, 6.0), success=(0.5, 1.0))
    assert desk.flight(curves + STRAY).radio.curves == {1: VHF_25KHZ, 9: WIDE_1MBPS, 2: own}


def test_patterns_by_station(desk: Desk) -> None:
    desk.file("down.csv", b"\xef\xbb\xbf,0\n-90,3\n90,-20\n")
    desk.edit(HAWK_11, 'pattern = "down.csv"\n' + HAWK_11)
    desk.edit('address = "0a0001"\n', 'pattern = "../scenarios/down.csv"\naddress = "0a0001"\n')
    patterns = desk.flight().radio.patterns
    assert patterns.keys() == {0xAE1001, 0x0A0001}
    assert [p.greatest_db for p in patterns.values()] == [3.0, 3.0]


def test_a_matrix_in_any_order(desk: Desk) -> None:
    desk.file("losses.csv", matrix(CALL_SIGNS[::-1]).replace("HAWK 11,120", "HAWK 11,101.5"))
    propagation = desk.flight(MATRIX).radio.propagation
    assert isinstance(propagation, Matrix)
    assert propagation.excess_db == 6.0, "as the agreement's bounds have it"
    assert propagation.loss_db(some_paths(0xAE1001, 0x155002), 1e8).tolist() == [101.5]
    assert propagation.loss_db(some_paths(0x155002, 0xAE1001), 1e8).tolist() == [120.0]
    desk.file("losses.csv", matrix())
    assert desk.flight(MATRIX + "excess_db = 0\n").radio.propagation.excess_db == 0.0


LOSS = """
import numpy as np
from neighbour_of_mine import EXTRA_DB

def loss(distance_m, frequency_hz, transmitter_height_m, receiver_height_m):
    return EXTRA_DB + 20 * np.log10(4 * np.pi * distance_m * frequency_hz / 299792458.0)
"""


def test_a_function_of_the_users(desk: Desk) -> None:
    desk.file("waves_of_mine.py", LOSS)
    desk.file("neighbour_of_mine.py", "EXTRA_DB = 10\n")
    propagation = desk.flight(PYTHON).radio.propagation
    assert isinstance(propagation, Own)
    assert (propagation.name, propagation.excess_db) == ("waves_of_mine:loss", 3.0)
    assert propagation.loss_db(some_paths(), 1e8) == pytest.approx(92.45 + 10, abs=0.01)


def test_a_function_goes_to_a_process_that_does_not_know_the_folder(desk: Desk) -> None:
    desk.file("waves_of_mine.py", LOSS)
    desk.file("neighbour_of_mine.py", "EXTRA_DB = 10\n")
    propagation = desk.flight(PYTHON).radio.propagation
    propagation.loss_db(some_paths(), 1e8)  # it is loaded here, and still travels by name
    code = (
        "import pickle, sys\nmodel, paths = pickle.load(sys.stdin.buffer)\nassert 'mine' not in ''.join(sys.path)\n"
        "print(model.loss_db(paths, 1e8)[0])"
    )
    data = pickle.dumps((propagation, some_paths()))
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], input=data, capture_output=True, cwd=root, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert float(done.stdout) == pytest.approx(102.45, abs=0.01)
    assert pickle.loads(data)[0] == propagation


def test_a_function_that_is_gone_when_it_is_needed_is_told(desk: Desk) -> None:
    path = desk.file("waves_of_mine.py", LOSS)
    desk.file("neighbour_of_mine.py", "EXTRA_DB = 10\n")
    propagation = pickle.loads(pickle.dumps(desk.flight(PYTHON).radio.propagation))
    path.unlink()
    with pytest.raises(PropagationError, match=r"^waves_of_mine:loss raised ValueError: cannot be imported: "):
        propagation.loss_db(some_paths(), 1e8)


def test_a_function_that_is_installed(desk: Desk) -> None:
    told = desk.told_of_key(PYTHON_KEY, PYTHON.replace("waves_of_mine:loss", "math:hypot"))
    assert told.startswith(": math:hypot raised TypeError: "), "it was found and called"


# ------------------------------------------------------------ what is wrong


UNREADABLE = {
    "no such file": ("gone.csv", " = 'gone.csv': cannot be read: No such file or directory; a CSV file is expected"),
    "a folder": ("folder.csv", " = 'folder.csv': cannot be read: Is a directory; a CSV file is expected"),
    "no text": ("latin.csv", " = 'latin.csv': is not text in UTF-8; a CSV file is expected"),
    "no name": ("a\\u0000b", " = 'a\\x00b': cannot be read: embedded null byte; a CSV file is expected"),
}


@pytest.mark.parametrize("where", ["medium.propagation.file", "medium.curve.0.file", PATTERN])
@pytest.mark.parametrize("why", UNREADABLE)
def test_a_file_that_cannot_be_read(why: str, where: str, desk: Desk) -> None:
    name, expected = UNREADABLE[why]
    desk.file("latin.csv", b"\xe9\n")
    (desk.scenario.parent / "folder.csv").mkdir()
    tables = {
        "medium.propagation.file": MATRIX.replace("losses.csv", name),
        "medium.curve.0.file": f'[[medium.curve]]\nchannel = 1\nfile = "{name}"\n',
    }
    if where == PATTERN:
        desk.edit(HAWK_11, f'pattern = "{name}"\n{HAWK_11}')
    assert desk.told_of_key(where, tables.get(where, "")) == expected


def test_curves_that_do_not_fit(desk: Desk) -> None:
    two = '[[medium.curve]]\nchannel = 1\npreset = "step"\n[[medium.curve]]\nchannel = {}\npreset = "step"\n'
    assert (
        desk.told_of_key("medium.curve.1.channel", two.format(7)) == " = 7: no such channel; there are [1, 2, 3, 4, 5]"
    )
    expected = " = 1: this channel has a curve already; one for each"
    assert desk.told_of_key("medium.curve.1.channel", two.format(1)) == expected


def test_a_bad_curve(desk: Desk) -> None:
    desk.file("own.csv", "sinr_db,success\n5,0.5\n4,2\n")
    assert desk.told_of_file("own.csv", '[[medium.curve]]\nchannel = 1\nfile = "own.csv"\n') == [
        (":3", "success", "'2'", "expected a share from 0 to 1"),
        (":3", "sinr_db", "'4'", "expected more than the 5 before it"),
    ]


def test_a_bad_pattern_is_told_once_for_all_who_have_it(desk: Desk) -> None:
    desk.file("bad.csv", ",0\n0,loud\n")
    for address in (HAWK_11, 'address = "ae1002"\n'):
        desk.edit(address, f'pattern = "bad.csv"\n{address}')
    assert desk.told_of_file("bad.csv", "") == [(":2", "gain", "'loud'", "expected dB from -200 to 50")]


BAD_MATRICES = {
    "empty": ("", [("", "file", "no rows", "expected a CSV file")]),
    "a corner": (
        "x" + matrix(),
        [(":1", "first cell", "'x'", "expected an empty cell, then the receivers' call signs")],
    ),
    "a missing station": (
        matrix(CALL_SIGNS[1:]),
        [
            ("", "call_sign", "no transmitter MON 1", "expected every station of the scenario"),
            (":1", "call_sign", "no receiver MON 1", "expected every station of the scenario"),
        ],
    ),
    "a stranger": (
        matrix((*CALL_SIGNS, "EAGLE 1")),
        [
            (":1", "call_sign", "'EAGLE 1'", f"expected a station of the scenario; there are {STATIONS}"),
            (":7", "call_sign", "'EAGLE 1'", f"expected a station of the scenario; there are {STATIONS}"),
        ],
    ),
    "a station twice": (
        matrix((*CALL_SIGNS, "HAWK 11")),
        [
            (":1", "call_sign", "'HAWK 11'", "expected each receiver once"),
            (":7", "call_sign", "'HAWK 11'", "expected each transmitter once"),
        ],
    ),
    "a row too short": (matrix().replace("HAWK 12,120", "HAWK 12"), [(":4", "row", "5 cells", "expected 6 cells")]),
    "a row too long": (matrix() + "", [(":6", "row", "7 cells", "expected 6 cells")]),
    "no number": (
        matrix().replace("HAWK 12,120", "HAWK 12,high"),
        [(":4", "loss to MON 1", "'high'", "expected dB from 0 to 1000")],
    ),
    "a gain": (
        matrix().replace("HAWK 12,120", "HAWK 12,-1"),
        [(":4", "loss to MON 1", "'-1'", "expected dB from 0 to 1000")],
    ),
    "too much": (
        matrix().replace("HAWK 12,120", "HAWK 12,1001"),
        [(":4", "loss to MON 1", "'1001'", "expected dB from 0 to 1000")],
    ),
    "a hole": (
        matrix().replace("HAWK 12,120", "HAWK 12,"),
        [(":4", "loss to MON 1", "''", "expected dB from 0 to 1000")],
    ),
    "a bad diagonal": (
        matrix().replace("MON 1,,", "MON 1,nan,"),
        [(":2", "loss to MON 1", "'nan'", "expected dB from 0 to 1000")],
    ),
}
BAD_MATRICES["a row too long"] = (matrix().rstrip() + ",1\n", BAD_MATRICES["a row too long"][1])


@pytest.mark.parametrize("bad", BAD_MATRICES)
def test_a_bad_matrix(bad: str, desk: Desk) -> None:
    text, flaws = BAD_MATRICES[bad]
    desk.file("losses.csv", text)
    assert desk.told_of_file("losses.csv", MATRIX) == flaws


def test_the_first_of_many_errors_are_told(desk: Desk) -> None:
    desk.file("losses.csv", matrix(loss="high").replace("MON 1,,", "MON 1,x,"))
    told = desk.told_of_file("losses.csv", MATRIX)
    assert len(told) == 21
    assert told[-1] == ("", "", "", "and 1 more such errors")


BAD_FUNCTIONS = {
    "no name": ("1", "waves_of_mine", " = 'waves_of_mine': write it as module:function"),
    "no module": ("1", "gone_of_mine:loss", " = 'gone_of_mine:loss': cannot be imported: ModuleNotFoundError: "),
    "a module that fails": ("1 / 0", "waves_of_mine:loss", "'waves_of_mine:loss': cannot be imported: ZeroDivision"),
    "no such function": ("1", "waves_of_mine:loss", " = 'waves_of_mine:loss': the module waves_of_mine has no loss"),
    "no function": ("loss = 5", "waves_of_mine:loss", " = 'waves_of_mine:loss': loss is no function"),
    "it raises": ("def loss(*_): 1 / 0", "waves_of_mine:loss", ": waves_of_mine:loss raised ZeroDivisionError: "),
    "no array": (
        "def loss(*_): return 1",
        "waves_of_mine:loss",
        "returned int: an array of 3 losses in dB is expected",
    ),
    "it is NaN at the least distance": (
        "import numpy as np\ndef loss(d, *_): return np.where(d < 2, np.nan, 200.0)",
        "waves_of_mine:loss",
        ": waves_of_mine:loss gave nan dB for 1 m at 26.1 MHz: a loss of 0 to 10000 dB is expected",
    ),
    "it is too good far away": (
        "def loss(d, *_): return d * 0 + 100",
        "waves_of_mine:loss",
        "gave 100 dB for 740800 m at 26.1 MHz, better than free space by 18.2 dB: excess_db allows 3",
    ),
    "it is too good on one channel": (
        "def loss(d, *_): return d * 0 + 140",
        "waves_of_mine:loss",
        "gave 140 dB for 740800 m at 5000 MHz, better than free space by 23.8 dB: excess_db allows 3",
    ),
}


@pytest.mark.parametrize("bad", BAD_FUNCTIONS)
def test_a_bad_function_is_told_before_anything_flies(bad: str, desk: Desk) -> None:
    code, name, expected = BAD_FUNCTIONS[bad]
    desk.file("waves_of_mine.py", code + "\n")
    assert expected in desk.told_of_key(PYTHON_KEY, PYTHON.replace("waves_of_mine:loss", name) + STRAY)


def test_all_is_said_at_once_on_the_command_line(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.file("losses.csv", matrix(CALL_SIGNS[1:]))
    desk.edit(HAWK_11, f'pattern = "gone.csv"\n{HAWK_11}')
    tables = MATRIX + '[[medium.curve]]\nchannel = 7\npreset = "step"\n'
    desk.scenario.write_text(desk.text + "\n" + tables, encoding="utf-8")
    assert run(["lint", str(desk.scenario)]) == 2
    lines = capsys.readouterr().err.splitlines()
    losses = desk.scenario.parent / "losses.csv"
    assert sorted(lines) == sorted(
        [
            f"airaccord: {desk.scenario}: {PATTERN} = 'gone.csv': "
            "cannot be read: No such file or directory; a CSV file is expected",
            f"airaccord: {losses}: call_sign = no transmitter MON 1: expected every station of the scenario",
            f"airaccord: {losses}:1: call_sign = no receiver MON 1: expected every station of the scenario",
            f"airaccord: {desk.scenario}: medium.curve.0.channel = 7: no such channel; there are [1, 2, 3, 4, 5]",
        ]
    )


def test_what_is_malformed_elsewhere_is_not_blamed_on_the_radio(desk: Desk) -> None:
    """A station and a channel that cannot be read are still in the matrix and have a curve."""
    desk.file("losses.csv", matrix())
    desk.edit('call_sign = "HAWK 11"\nparty = "coalition"\n', 'call_sign = "HAWK 11"\nparty = 3\n')
    tables = MATRIX + '[[medium.curve]]\nchannel = 9\npreset = "step"\n' + STRAY.replace("5000", '"high"')
    assert [p.key for p in desk.told(tables)] == ["unagreed_channel.0.frequency_mhz", "station.1 (HAWK 11).party"]


def test_two_of_one_address_are_told_once(desk: Desk) -> None:
    desk.file("losses.csv", matrix())
    desk.edit('address = "ae1002"', 'address = "ae1001"')
    assert [p.key for p in desk.told(MATRIX)] == ["station.address"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("frequency_mhz = 5000", "frequency_mhz = 300001"),
        ("frequency_mhz = 5000", "frequency_mhz = 0.002"),
        ("bandwidth_khz = 1000", "bandwidth_khz = 10000001"),
        ("bandwidth_khz = 1000", "bandwidth_khz = 0"),
        ("bit_rate_bps = 1000000", "bit_rate_bps = 10000000001"),
        ("bit_rate_bps = 1000000", "bit_rate_bps = nan"),
    ],
)
def test_channels_that_no_radio_has(old: str, new: str, desk: Desk) -> None:
    assert desk.flight(STRAY).radio == Radio()
    (problem,) = desk.told(STRAY.replace(old, new))
    assert problem.key == f"unagreed_channel.0.{old.split()[0]}"
    assert problem.expected.startswith("Input should be ")


@pytest.mark.parametrize(
    ("gain_dbi", "excess_db", "sum_db"),
    [(0, 6, None), (0, 7, "7"), (4, 3, "7"), (3, 3, None), (1, None, "7"), (0, None, None)],
)
def test_who_could_hear_honest_stations_stronger_than_agreed_is_refused(
    desk: Desk, gain_dbi: int, excess_db: int | None, sum_db: str | None
) -> None:
    """By 3.4 and 4.5 the judge would take an honest station for one that is too loud, or elsewhere."""
    desk.file("losses.csv", matrix(loss="150"))
    desk.edit('call_sign = "MON 1"\n', f'call_sign = "MON 1"\ngain_dbi = {gain_dbi}\n')
    table = MATRIX if excess_db is None else f"{MATRIX}excess_db = {excess_db}\n"
    if sum_db is None:
        desk.flight(table)
        return
    with pytest.raises(ConfigurationError) as caught:
        desk.flight(table)
    (problem,) = caught.value.problems
    assert problem.key == "medium.propagation.excess_db"
    assert f"MON 1 may hear a station {sum_db} dB stronger" in problem.expected
