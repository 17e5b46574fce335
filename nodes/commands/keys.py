"""`airaccord keys`: the keys that documents on the ground line are signed with."""

import re
from pathlib import Path
from typing import Annotated

import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from nodes.commands.common import closed_pipe_is_no_error
from nodes.keys import public_hex, read_private_key, write_private_key
from nodes.problems import ConfigurationError, Problem
from protocol.line.names import CLIENT_PATTERN

keys = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)


@keys.callback()
def about() -> None:
    """Make the keys that documents on the ground line are signed with, or show the public half of one.

    Example: airaccord keys new coalition --output coalition.pem
    """


@keys.command()
def new(
    name: Annotated[str, typer.Argument(help="Whose key: coalition, monitor-mon-1.", show_default=False)],
    output: Annotated[Path, typer.Option(help="Write the private key to this file.", show_default=False)],
    force: Annotated[bool, typer.Option("--force", help="Write to --output even if it exists.")] = False,
) -> None:
    """Make a private key that only you may read, and print the public one as it stands in the register of keys.

    Example: airaccord keys new coalition --output coalition.pem
    """
    if not re.fullmatch(CLIENT_PATTERN, name):
        expected = "names on the ground line have a-z, 0-9 and - only; those of monitors begin with monitor-"
        raise ConfigurationError([Problem("keys new", "NAME", repr(name), expected)])
    key = Ed25519PrivateKey.generate()
    write_private_key(output, name, key, force)
    _print(name, key)


@keys.command()
def show(file: Annotated[Path, typer.Argument(help="A private key.", show_default=False)]) -> None:
    """Print the public half of a private key, as it stands in the register of keys.

    Example: airaccord keys show coalition.pem
    """
    _print(*read_private_key(file))


def _print(name: str, key: Ed25519PrivateKey) -> None:
    with closed_pipe_is_no_error():
        print(f"public key of {name}: {public_hex(key)}")
        print(f'for [keys] in the register of public keys:\n{name} = "{public_hex(key)}"')
