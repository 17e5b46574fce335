"""How a live run is run."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a run is run. `listen` is a loopback endpoint; `workers` share our stations, one each if left out.

    `patience_s` is how long a process may be without an answer before it is killed and started again, `wait_s` how long
    stations are waited for that fly themselves. A process that has just been started, or the hub, is given
    `least_patience_s` in any case. A folder that is `temporary` must not outlive a director that is killed. `broker` is
    the ground line's, instead of the one that the scenario names.
    """

    paced: bool = False
    workers: int | None = None
    listen: str = "tcp://127.0.0.1:0"
    patience_s: float = 10.0
    least_patience_s: float = 5.0
    wait_s: float = 60.0
    temporary: bool = False
    broker: str | None = None
