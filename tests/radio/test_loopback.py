"""Which addresses are taken for this machine's own."""

import pytest

from radio.loopback import loopback


@pytest.mark.parametrize(
    ("given", "endpoint"),
    [
        ("127.0.0.1:5555", "tcp://127.0.0.1:5555"),
        ("tcp://127.0.0.1:5555", "tcp://127.0.0.1:5555"),
        ("127.8.9.10:0", "tcp://127.8.9.10:0"),
        ("localhost:65535", "tcp://127.0.0.1:65535"),
        ("[::1]:5555", "tcp://[::1]:5555"),
        ("tcp://[::1]:1", "tcp://[::1]:1"),
    ],
)
def test_addresses_of_this_machine(given: str, endpoint: str) -> None:
    assert loopback(given) == endpoint
    assert loopback(endpoint) == endpoint


@pytest.mark.parametrize(
    ("given", "about"),
    [
        ("0.0.0.0:5555", "only addresses of this machine"),
        ("192.168.1.7:5555", "only addresses of this machine"),
        ("tcp://*:5555", "only addresses of this machine"),
        ("[::]:5555", "only addresses of this machine"),
        ("[fe80::1]:5555", "only addresses of this machine"),
        ("example.org:5555", "only addresses of this machine"),
        ("localhost.example.org:5555", "only addresses of this machine"),
        ("2130706433:5555", "only addresses of this machine"),
        ("127.1:5555", "only addresses of this machine"),
        (":5555", "only addresses of this machine"),
        ("127.0.0.1;10.0.0.1:5555", "only addresses of this machine"),
        ("10.0.0.1:1;127.0.0.1:5555", "only addresses of this machine"),
        ("", "needs a host and a port"),
        ("127.0.0.1", "needs a host and a port"),
        ("127.0.0.1:", "needs a host and a port"),
        ("127.0.0.1:x", "needs a host and a port"),
        ("127.0.0.1:-1", "needs a host and a port"),
        ("127.0.0.1:65536", "needs a host and a port"),
        ("127.0.0.1:" + "9" * 5000, "needs a host and a port"),
        ("127.0.0.1:٥٥", "needs a host and a port"),
        ("127.0.0.1:5555 ", "needs a host and a port"),
        ("ipc://socket", "no address of the form"),
        ("udp://127.0.0.1:5555", "no address of the form"),
        ("tcp://tcp://127.0.0.1:5555", "no address of the form"),
        ("//127.0.0.1:5555", "only addresses of this machine"),
    ],
)
def test_everything_else_is_refused_and_told_why(given: str, about: str) -> None:
    with pytest.raises(ValueError, match=about):
        loopback(given)
