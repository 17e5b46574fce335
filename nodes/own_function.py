"""A function of the user's that a scenario names, such as its model of propagation: `python = "module:function"`."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nodes.own_class import load_named


@dataclass(frozen=True, slots=True)
class OwnFunction:
    """The function by its name, to be called like itself. It is looked for as `load_function` does.

    It can be pickled for a process that does not know the scenario's folder: each process loads it at the first call.
    Calls raise ValueError if it cannot be had, and whatever the function raises.
    """

    name: str
    folder: Path
    """Absolute: the other process may work elsewhere."""
    _found: list[Callable[..., Any]] = field(init=False, repr=False, compare=False, default_factory=list)

    def __call__(self, *arguments: Any) -> Any:
        if not self._found:
            self._found.append(load_function(self.name, self.folder))
        return self._found[0](*arguments)

    def __reduce__(self) -> tuple[type["OwnFunction"], tuple[str, Path]]:
        return OwnFunction, (self.name, self.folder)


def load_function(name: str, folder: Path) -> Callable[..., Any]:
    """The function: of a module in the scenario's folder, or else among what is installed.

    Raises ValueError, with a text that says what is wrong.
    """
    found = load_named(name, folder, "function")
    if not callable(found):
        raise ValueError(f"{name.partition(':')[2]} is no function")
    return found
