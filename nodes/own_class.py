"""Finds the class that a scenario names for a station of the user's own: `python = "module:Class"`."""

import importlib
import sys
from collections.abc import Callable
from pathlib import Path

from nodes.stations.effects import StationLogic

CALLS = ("start", "hear", "wake")


def load_class(name: str, folder: Path) -> Callable[..., StationLogic]:
    """The class, called as `Class(profile, sense)` like our own Aircraft.

    Modules are looked for among what is installed, then in the scenario's folder. Raises ValueError, with a text that
    says what is wrong.
    """
    module_name, colon, class_name = name.partition(":")
    if not colon or not module_name or not class_name.isidentifier():
        raise ValueError("write it as module:Class")
    place = str(folder.resolve())
    if place not in sys.path:
        sys.path.append(place)
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # whatever the user's module does when it is imported
        raise ValueError(f"cannot be imported: {type(error).__name__}: {error}") from None
    found = getattr(module, class_name, None)
    if found is None:
        raise ValueError(f"the module {module_name} has no {class_name}")
    if not callable(found) or not all(callable(getattr(found, call, None)) for call in CALLS):
        raise ValueError(f"{class_name} is no class with the methods {', '.join(CALLS)}")
    made: Callable[..., StationLogic] = found
    return made
