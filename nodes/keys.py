"""The files of keys: private ones as PEM (PKCS8) with their client's name in a comment, public ones as TOML.

A private key of a test is known to everybody, and says so in a comment; git does not keep who may read a file, so for
these alone it does not matter.
"""

import os
import stat
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from pydantic import ValidationError

from nodes.problems import ConfigurationError, Problem, from_validation
from nodes.toml_files import read_toml
from protocol.agreement import PublicKeys
from protocol.terms import Model

NAMED = "# airaccord private key of "
TEST_MARK = "# TEST KEY: public knowledge, never use it for anything real"
MAX_FILE_BYTES = 10_000
"""A file with an Ed25519 key has some 200."""
OTHERS = stat.S_IRWXG | stat.S_IRWXO


class _Register(Model):
    """The file of public keys: an annex of the agreement."""

    keys: PublicKeys


def load_private_key(path: Path, client: str) -> Ed25519PrivateKey:
    """The private key of a client. Raises ConfigurationError."""
    name, key = read_private_key(path, f"; make one with: airaccord keys new {client} --output {path}")
    if name != client:
        raise _problem(path, f"is the key of {name}, not of {client}")
    return key


def read_private_key(path: Path, if_missing: str = "") -> tuple[str, Ed25519PrivateKey]:
    """Whose private key a file has, and the key. Raises ConfigurationError."""
    try:
        with path.open("rb") as stream:
            mode = stat.S_IMODE(os.fstat(stream.fileno()).st_mode)
            data = stream.read(MAX_FILE_BYTES)
    except FileNotFoundError:
        raise _problem(path, f"no such file{if_missing}") from None
    except OSError as error:
        raise _problem(path, f"cannot be read: {error.strerror}") from None
    comments, begin, _ = data.decode("utf-8", errors="replace").partition("-----BEGIN")
    lines = [line.strip() for line in comments.splitlines()]
    if not begin:
        raise _problem(path, "is no key: it has no line that begins with -----BEGIN")
    if mode & OTHERS and TEST_MARK not in lines:
        raise _problem(path, f"others may read or write it (mode {mode:04o}); chmod 600 it, or make a new key")
    name = next((line.removeprefix(NAMED) for line in lines if line.startswith(NAMED)), None)
    if name is None:
        raise _problem(path, f"does not say whose key it is: a line {NAMED!r} and the name is due before the key")
    return name, _key_in(path, data[data.index(b"-----BEGIN") :])


def _key_in(path: Path, pem: bytes) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(pem, password=None)
    except TypeError:
        raise _problem(path, "is encrypted, and airaccord asks for no password") from None
    except (ValueError, UnsupportedAlgorithm):
        raise _problem(path, "is no key: not PEM in PKCS8, or damaged") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise _problem(path, "is a key of another kind than Ed25519")
    return key


def write_private_key(path: Path, client: str, key: Ed25519PrivateKey, force: bool = False) -> None:
    """Write a new file that only its owner may read. Raises ConfigurationError if there is one, unless `force`."""
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    target = path.with_name(f"{path.name}.new") if force else path
    try:
        if force:
            target.unlink(missing_ok=True)  # of a time before that broke off
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(f"{NAMED}{client}\n".encode() + pem)
        if force:
            target.replace(path)
    except FileExistsError:
        raise _problem(path, "exists; give another --output, or --force to overwrite") from None
    except OSError as error:
        raise _problem(path, f"cannot be written: {error.strerror}") from None


def public_hex(key: Ed25519PrivateKey) -> str:
    """The public half of a key, as the annexes have it."""
    return key.public_key().public_bytes_raw().hex()


def is_register(values: dict[str, Any]) -> bool:
    """Whether a TOML file's values are public keys."""
    return set(values) == {"keys"}


def load_public_keys(path: Path) -> dict[str, str]:
    """The public keys of a TOML file, by client. Raises ConfigurationError with everything that is wrong."""
    try:
        keys = _Register.model_validate(read_toml(path), strict=True).keys
    except ValidationError as error:
        raise ConfigurationError(from_validation(path, error)) from None
    twice = [c for c, key in keys.items() if list(keys.values()).count(key) > 1]
    if twice:
        raise _problem(path, f"{' and '.join(twice)} have the same key: each could speak for the other")
    return keys


def _problem(path: Path, told: str) -> ConfigurationError:
    return ConfigurationError([Problem(str(path), "", "", told)])
