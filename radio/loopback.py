"""Which addresses a hub may listen on and a station may connect to: those of this machine alone."""

import ipaddress

WHY = (
    "only addresses of this machine are accepted (127.0.0.1, [::1] or localhost): the link has neither encryption nor "
    "proof of identity, so anybody on the network could take part"
)


def loopback(address: str) -> str:
    """A ZeroMQ endpoint from `host:port` or `tcp://host:port`; port 0 is any free one. Raises ValueError."""
    scheme, _, rest = address.rpartition("://")
    if scheme not in ("", "tcp"):
        raise ValueError(f"{address!r} is no address of the form tcp://127.0.0.1:5555")
    host, colon, port = rest.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or len(port) > 5 or int(port) > 65_535:
        raise ValueError(f"{address!r} needs a host and a port from 0 to 65535, such as 127.0.0.1:5555")
    if host == "localhost":
        host = "127.0.0.1"
    bare = host.removeprefix("[").removesuffix("]")
    try:
        inside = ipaddress.ip_address(bare)
    except ValueError:
        raise ValueError(f"{address!r}: {WHY}") from None
    if not inside.is_loopback:
        raise ValueError(f"{address!r}: {WHY}")
    return f"tcp://[{inside}]:{port}" if inside.version == 6 else f"tcp://{inside}:{port}"
