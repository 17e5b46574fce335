"""What the packages import is what an installation brings: the standard library, themselves, declared dependencies."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OWN = {"protocol", "radio", "nodes"}
FILES = sorted(p for package in OWN for p in (ROOT / package).rglob("*.py"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


OF_EXTRAS = {"pytest_plugin.py": ["pytest"], "executors.py": ["distributed"], "broker_process.py": ["broker"]}
"""Files that may import what an extra brings."""


def modules(requirements: list[str]) -> set[str]:
    names = (re.split(r"[<>=\[ ]", r)[0] for r in requirements)
    return {name.removeprefix("python-").replace("pyzmq", "zmq").replace("-", "_") for name in names}


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_nothing_is_imported_that_is_not_declared(path: Path) -> None:
    """A library that only another one happened to bring is gone when that one changes its mind."""
    declared = modules(PROJECT["dependencies"])
    declared |= modules([r for extra in OF_EXTRAS.get(path.name, ()) for r in PROJECT["optional-dependencies"][extra]])
    imported = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            imported.add(node.module.split(".")[0])
    assert imported - declared - OWN - sys.stdlib_module_names == set()
