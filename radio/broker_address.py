"""Where a broker is and how to get in: its URL, what the environment adds to it, and what is wrong if nobody gets in.

`mqtt://HOST[:PORT]` or `mqtts://HOST[:PORT]`. User and password come from the environment, never from a URL or a file,
for both end up in recordings, reports and lists of processes.
"""

import os
import ssl
import urllib.parse
from collections.abc import Mapping
from typing import NamedTuple

import aiomqtt
from aiomqtt.exceptions import MqttConnectError

USER, PASSWORD, CA = "AIRACCORD_BROKER_USER", "AIRACCORD_BROKER_PASSWORD", "AIRACCORD_BROKER_CA"
PORTS = {"mqtt": 1883, "mqtts": 8883}
REFUSED_FOR_GOOD = ("Bad user name or password", "Not authorized")
"""What brokers say of a user or a password that is wrong."""
NO_ANSWER = "Operation timed out"
"""What aiomqtt says then; a connection that does not come about is told in other words."""


class LineError(Exception):
    """No way onto the line; the text says in one sentence what, where, and what to do."""


class LineUnreachable(LineError):
    """Nobody answers there, or not yet: the only kind of LineError that may pass by itself."""


class Address(NamedTuple):
    """A broker's place. `url` is how it is spoken of, with its port."""

    url: str
    host: str
    port: int
    user: str | None = None
    password: str | None = None
    tls: ssl.SSLContext | None = None


def broker_address(url: str, environment: Mapping[str, str] = os.environ) -> Address:
    """The address that a URL stands for. Raises LineError for a URL or an environment that cannot be right."""
    try:
        parts = urllib.parse.urlsplit(url)
        host, port, inside = parts.hostname, parts.port, parts.username is not None or "@" in parts.netloc
    except ValueError as error:
        raise LineError(f"{url}: {error}; a broker is named like mqtt://127.0.0.1:1883") from None
    if inside:
        raise LineError(f"a broker's URL names no user: give user and password in {USER} and {PASSWORD}")
    if parts.scheme not in PORTS or not host or parts.path.strip("/") or parts.query or parts.fragment or port == 0:
        raise LineError(f"{url}: a broker is named like mqtt://127.0.0.1:1883 or mqtts://broker.example:8883")
    user, password = environment.get(USER), environment.get(PASSWORD)
    if password is not None and user is None:
        raise LineError(f"{PASSWORD} is set and {USER} is not: set both, or neither")
    port = port or PORTS[parts.scheme]
    told = f"{parts.scheme}://{f'[{host}]' if ':' in host else host}:{port}"
    tls = _trust(environment.get(CA)) if parts.scheme == "mqtts" else None
    return Address(told, host, port, user, password, tls)


class _TlsSocket(ssl.SSLSocket):
    """Does not stay open if no trust comes about; paho forgets it then."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except BaseException:
            self.close()
            raise


def _trust(ca_file: str | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=ca_file or None)
        context.sslsocket_class = _TlsSocket
        return context
    except (OSError, ssl.SSLError) as error:
        reason = error.strerror if not isinstance(error, ssl.SSLError) and error.strerror else "no certificates in it"
        raise LineError(f"{CA}: {ca_file}: {reason}; it names a PEM file with the broker's authority") from None


def explained(address: Address, error: aiomqtt.MqttError) -> LineError:
    """What an attempt to connect failed with, for people."""
    cause = error.__context__
    if isinstance(cause, ssl.SSLCertVerificationError):
        why = cause.verify_message.rstrip(".")
        return LineError(
            f"{address.url}: the broker's certificate is not accepted ({why}): use the host name that it was made for, "
            f"and name its authority's file in {CA}"
        )
    if isinstance(cause, ssl.SSLError) or (address.tls is not None and isinstance(cause, ConnectionResetError)):
        return LineError(f"{address.url}: what answers there does not speak TLS: try mqtt:// instead of mqtts://")
    if isinstance(error, MqttConnectError):
        said = str(getattr(error, "rc", error))
        if any(reason in str(error) for reason in REFUSED_FOR_GOOD):
            whom = f"user {address.user!r}" if address.user is not None else "a client without user and password"
            return LineError(f"{address.url}: the broker does not let {whom} in: set {USER} and {PASSWORD}")
        return LineError(f"{address.url}: the broker refuses: {said}")
    if isinstance(cause, OSError) and str(error) != NO_ANSWER:
        why = (cause.strerror or str(cause) or type(cause).__name__).lower()
        return LineUnreachable(f"{address.url}: no broker there ({why}): start one, or name another with --broker")
    other = "mqtt" if address.tls is not None else "mqtts"
    return LineUnreachable(f"{address.url}: what listens there does not answer as a broker does: is it {other}://?")
