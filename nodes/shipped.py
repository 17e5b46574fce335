"""Where the configurations are that come with airaccord: beside the packages in a checkout, in `nodes` if installed."""

from pathlib import Path

_HERE = Path(__file__).resolve().parent
CONFIGS = next(p for p in (_HERE / "configs", _HERE.parent / "configs") if p.is_dir())


def scenario(name: str) -> Path:
    """The path of a shipped scenario, such as `quiet` or `faults/silent`. Raises FileNotFoundError."""
    path = CONFIGS / "scenarios" / f"{name}.toml"
    if not path.is_file():
        known = sorted(p.relative_to(path.parents[0]).with_suffix("").as_posix() for p in path.parent.rglob("*.toml"))
        raise FileNotFoundError(f"no shipped scenario {name!r}; there are {', '.join(known)}")
    return path
