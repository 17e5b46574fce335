"""Keys as files: made, shown, read, registered, and refused in one clear line."""

import os
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from nodes.keys import (
    NAMED,
    TEST_MARK,
    load_private_key,
    load_public_keys,
    public_hex,
    read_private_key,
    write_private_key,
)
from nodes.main import run
from nodes.problems import ConfigurationError
from nodes.shipped import CONFIGS
from protocol.agreement import Annexes, digest
from protocol.line.names import is_monitor

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
SHIPPED = CONFIGS / "keys"


def key_file(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def refusal(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert run(arguments) == 2
    told = capsys.readouterr()
    (line,) = told.err.splitlines()
    assert told.out == ""
    assert line.startswith("airaccord: ")
    return line


def test_a_new_key_is_for_its_owner_alone_and_shows_its_public_half(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "coalition.pem"
    before = os.umask(0)
    try:
        assert run(["keys", "new", "coalition", "--output", str(path)]) == 0
    finally:
        os.umask(before)
    printed = capsys.readouterr().out
    public = public_hex(load_private_key(path, "coalition"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert printed.startswith(f"public key of coalition: {public}\n")
    assert tomllib.loads("[keys]\n" + printed.splitlines()[-1]) == {"keys": {"coalition": public}}
    assert PEM.splitlines()[0] in path.read_text().splitlines()
    assert run(["keys", "show", str(path)]) == 0
    assert capsys.readouterr().out == printed


def test_a_key_is_not_overwritten_by_accident(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = key_file(tmp_path / "key.pem", "something dear", 0o644)
    assert "exists; give another --output, or --force" in refusal(["keys", "new", "a", "--output", str(path)], capsys)
    assert path.read_text() == "something dear"
    assert run(["keys", "new", "a", "--output", str(path), "--force"]) == 0
    assert read_private_key(path)[0] == "a"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600, "not the mode of what was there before"
    assert [p.name for p in tmp_path.iterdir()] == ["key.pem"]


@pytest.mark.parametrize("name", ["Mon 1", "", "a/b", "a" * 65, "+", "ä"])
def test_a_name_that_the_line_does_not_know(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "key.pem"
    assert "a-z, 0-9 and - only" in refusal(["keys", "new", name, "--output", str(path)], capsys)
    assert not path.exists()


@pytest.mark.parametrize("force", [[], ["--force"]])
def test_where_no_file_can_be(force: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "No such file or directory" in refusal(
        ["keys", "new", "a", "--output", str(tmp_path / "no" / "key.pem"), *force], capsys
    )
    assert refusal(["keys", "new", "a", "--output", str(tmp_path), *force], capsys)


def encrypted() -> str:
    return KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")).decode()


def of_another_kind() -> str:
    return X25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


WRONG: dict[str, tuple[str, int, str]] = {
    "empty": ("", 0o600, "is no key: it has no line that begins with -----BEGIN"),
    "no key": ("hello\n", 0o644, "is no key: it has no line"),
    "binary": ("\x00" * 20_000, 0o600, "is no key: it has no line"),
    "group": (f"{NAMED}coalition\n{PEM}", 0o640, "others may read or write it (mode 0640)"),
    "others": (f"{NAMED}coalition\n{PEM}", 0o604, "others may read or write it (mode 0604)"),
    "mark in the middle": (f"{NAMED}coalition # {TEST_MARK}\n{PEM}", 0o644, "others may read or write it"),
    "mark after the key": (f"{NAMED}coalition\n{PEM}\n{TEST_MARK}\n", 0o644, "others may read or write it"),
    "of nobody": (PEM, 0o600, "does not say whose key it is"),
    "of another": (f"{NAMED}federation\n{PEM}", 0o600, "is the key of federation, not of coalition"),
    "damaged": (f"{NAMED}coalition\n{PEM.replace('MC4C', 'MC4D')}", 0o600, "is no key: not PEM in PKCS8, or damaged"),
    "cut short": (f"{NAMED}coalition\n{PEM[:60]}", 0o600, "is no key: not PEM in PKCS8, or damaged"),
    "encrypted": (f"{NAMED}coalition\n{encrypted()}", 0o600, "is encrypted"),
    "of another kind": (f"{NAMED}coalition\n{of_another_kind()}", 0o600, "another kind than Ed25519"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_key_for_us(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text, mode, told = WRONG[name]
    path = key_file(tmp_path / "key.pem", text, mode)
    with pytest.raises(ConfigurationError) as raised:
        load_private_key(path, "coalition")
    assert told in str(raised.value)
    assert "PRIVATE KEY" not in str(raised.value)
    if name != "of another":
        assert told in refusal(["keys", "show", str(path)], capsys)


def test_a_missing_key_is_told_with_the_way_to_make_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "key.pem"
    with pytest.raises(ConfigurationError, match=f"no such file; make one with: airaccord keys new a --output {path}"):
        load_private_key(path, "a")
    assert refusal(["keys", "show", str(path)], capsys).endswith("no such file")
    assert "Is a directory" in refusal(["keys", "show", str(tmp_path)], capsys)


def test_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["keys"], ["keys", "new"], ["keys", "show"]):
        assert run([*arguments, "--help"]) == 0
        assert f"Example: airaccord {' '.join(arguments)}" in " ".join(capsys.readouterr().out.split())
    assert run(["keys"]) == 2


def test_a_test_key_may_be_read_by_anybody_and_says_what_it_is() -> None:
    public = load_public_keys(SHIPPED / "test-keys.toml")
    files = sorted(SHIPPED.glob("*.pem"))
    assert [path.stem for path in files] == sorted(public)
    assert {"coalition", "federation"} == {name for name in public if not is_monitor(name)}
    for path in files:
        assert TEST_MARK in path.read_text().splitlines()
        assert public_hex(load_private_key(path, path.stem)) == public[path.stem]


def test_public_keys_are_linted(configs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = configs / "keys" / "test-keys.toml"
    assert run(["lint", str(path), "--strict"]) == 0
    assert "public keys of coalition, federation, monitor-mon-1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[keys]\ncoalition = "00"', "keys.coalition = '00'"),
        (f'[keys]\ncoalition = "{"AB" * 32}"', "should match pattern"),
        (f'[keys]\nCoalition = "{"ab" * 32}"', "should match pattern"),
        (f'[keys]\na = "{"ab" * 32}"\nb = "{"ab" * 32}"', "a and b have the same key"),
        ("[keys]\na = 1", "valid string"),
    ],
)
def test_what_is_no_register_of_keys(text: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "keys.toml"
    path.write_text(text)
    assert told in refusal(["lint", str(path)], capsys)


def test_annexes_without_keys_are_what_they_were_before_there_were_any() -> None:
    old = {"version": "1", "register": [], "slots": {}}
    annexes = Annexes.model_validate(old)
    assert annexes.to_json() == old
    keyed = Annexes.model_validate(old | {"keys": {"coalition": "ab" * 32}})
    assert keyed.to_json() == old | {"keys": {"coalition": "ab" * 32}}
    assert Annexes.model_validate(keyed.to_json()) == keyed
    assert digest(keyed.to_json()) != digest(annexes.to_json())


@pytest.mark.parametrize("keys", [{"A": "ab" * 32}, {"a": "ab" * 31}, {"a": "AB" * 32}])
def test_annexes_have_keys_only(keys: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="pattern"):
        Annexes.model_validate({"version": "1", "register": [], "keys": keys})


def test_a_reader_of_the_key_that_stops_reading_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    write_private_key(path, "a", KEY)
    script = f"import sys; from nodes.main import run; sys.exit(run(['keys', 'show', {str(path)!r}]))"
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait() == 0
