"""How much memory a hub may take: what ZeroMQ itself cannot bound ends the hub, before it takes all."""

import resource

MOST_BYTES = 1 << 30
"""A hub of a hundred stations takes some fifty megabytes."""


class Flooded(RuntimeError):
    """The hub gives up, for somebody makes it take too much memory."""


def check_memory() -> None:
    """Raises Flooded if this process takes too much."""
    if _memory_bytes() > MOST_BYTES:
        raise Flooded(f"took more than {MOST_BYTES >> 20} MiB: somebody sends it messages without end")


def _memory_bytes() -> int:
    """What this process takes; 0 where the system does not tell."""
    try:
        with open("/proc/self/statm", encoding="ascii") as statm:
            return int(statm.read().split()[1]) * resource.getpagesize()
    except OSError:
        return 0
