"""Finds what a scenario names of the user's own code: the class of a station, `python = "module:Class"`, and others."""

import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from nodes.stations.effects import StationLogic

CALLS = ("start", "hear", "wake")


def load_class(name: str, folder: Path) -> Callable[..., StationLogic]:
    """The class, called as `Class(profile, sense)` like our own Aircraft.

    Modules are looked for in the scenario's folder, then among what is installed. Raises ValueError, with a text that
    says what is wrong.
    """
    found = load_named(name, folder, "Class")
    if not callable(found) or not all(callable(getattr(found, call, None)) for call in CALLS):
        raise ValueError(f"{name.partition(':')[2]} is no class with the methods {', '.join(CALLS)}")
    made: Callable[..., StationLogic] = found
    return made


def load_named(name: str, folder: Path, kind: str) -> object:
    """What `name`, "module:" and a name in it, stands for; `kind` is what messages call that. Raises ValueError."""
    module_name, colon, inner_name = name.partition(":")
    if not colon or not module_name or not inner_name.isidentifier():
        raise ValueError(f"write it as module:{kind}")
    try:
        module = _module(module_name, folder.resolve())
    except (Exception, SystemExit) as error:  # whatever the user's module does when it is imported
        raise ValueError(f"cannot be imported: {type(error).__name__}: {error}") from None
    found: object = getattr(module, inner_name, None)
    if found is None:
        raise ValueError(f"the module {module_name} has no {inner_name}")
    return found


def _module(name: str, folder: Path) -> ModuleType:
    """A module; one that is a single file in the folder is that file, whatever other of this name was loaded before."""
    if str(folder) not in sys.path:
        sys.path.append(str(folder))  # for what the module imports itself
    file = folder / f"{name}.py"
    if not file.is_file():
        return importlib.import_module(name)
    loaded = sys.modules.get(name)
    if loaded is not None and getattr(loaded, "__file__", None) == str(file):
        return loaded  # the user's test has imported it, and may have changed it
    own_name = f"{name}_{hashlib.sha256(bytes(file)).hexdigest()[:16]}"
    if own_name not in sys.modules:
        spec = importlib.util.spec_from_file_location(own_name, file)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[own_name] = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(sys.modules[own_name])
        except BaseException:
            del sys.modules[own_name]
            raise
    return sys.modules[own_name]
