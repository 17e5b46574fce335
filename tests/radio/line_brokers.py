"""Brokers that tests start and kill, a way to them that can be cut, and waiting for what a line brings."""

import asyncio
import contextlib
import datetime
import getpass
import ipaddress
import os
import re
import select
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from radio.line import Delivered
from radio.line_mqtt import LineMqtt

CONFIGURATION = Path(__file__).resolve().parents[2] / "configs" / "mosquitto.conf"
LIMIT_S = 30.0


def until(condition: Callable[[], bool], limit_s: float = LIMIT_S) -> None:
    """Wait for something; AssertionError if it does not come."""
    end_s = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end_s, "it did not come"
        time.sleep(0.005)


def runs(pid: int) -> bool:
    """Whether there is such a process; not one that has ended and that nobody has asked about."""
    try:
        os.kill(pid, 0)
        with open(f"/proc/{pid}/stat", "rb") as stat:
            return stat.read().rpartition(b") ")[2][:1] != b"Z"
    except ProcessLookupError:
        return False
    except FileNotFoundError:
        return not os.path.isdir("/proc/self")  # elsewhere than on Linux the first word counts


def take(line: LineMqtt, enough: Callable[[list[Delivered]], bool], limit_s: float = LIMIT_S) -> list[Delivered]:
    """What comes until it is enough, waiting as our processes do."""
    got: list[Delivered] = []
    while not enough(got):
        readable, _, _ = select.select([line], [], [], limit_s)
        assert readable, f"nothing more came after {len(got)} documents"
        while (delivered := line.receive()) is not None:
            got.append(delivered)
    return got


class Mosquitto:
    """Debian's Mosquitto with the configuration that we ship, but for its port and its folder.

    `more`: further lines, and none that lets everybody in unless it is among them.
    """

    def __init__(self, program: str, folder: Path, *more: str, scheme: str = "mqtt"):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url, self._port = f"{scheme}://127.0.0.1:{port}", port
        text = re.sub(r"^listener 1883 ", f"listener {port} ", CONFIGURATION.read_text(), count=1, flags=re.M)
        text = re.sub(r"^persistence_location .*$", f"persistence_location {folder}/", text, count=1, flags=re.M)
        if more:
            text = text.replace("allow_anonymous true\n", "")
        self._file, self._saved = folder / "mosquitto.conf", folder / "mosquitto.db"
        self._file.write_text("\n".join([text, *more, f"user {getpass.getuser()}", ""]))
        self._command = [program, "-c", str(self._file)]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(self._listens)

    def until_saved(self, *clients: str) -> None:
        """Wait until their sessions outlive it, which takes a second."""
        until(lambda: self._saved.exists() and all(c.encode() in self._saved.read_bytes() for c in clients))

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    close = kill

    def _listens(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, "mosquitto has ended"
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._port), 1.0):
            return True
        return False


class Way:
    """A way to a broker, that can be cut and healed: whoever takes it, connects to `url` instead."""

    def __init__(self, url: str):
        self._target = int(url.rpartition(":")[2])
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._port = 0
        self._server: asyncio.Server | None = None
        self._ends: list[asyncio.StreamWriter] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.heal()
        self.url = f"mqtt://127.0.0.1:{self._port}"

    def heal(self) -> None:
        asyncio.run_coroutine_threadsafe(self._heal(), self._loop).result(LIMIT_S)

    def cut(self) -> None:
        asyncio.run_coroutine_threadsafe(self._cut(), self._loop).result(LIMIT_S)

    def close(self) -> None:
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _heal(self) -> None:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self._port, reuse_address=True)
        self._port = self._server.sockets[0].getsockname()[1]

    async def _cut(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for end in self._ends:
            end.close()
            with contextlib.suppress(OSError):
                await end.wait_closed()
        self._ends.clear()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._ends.append(writer)
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.close()
            return
        self._ends.append(far_writer)
        for source, sink in ((reader, far_writer), (far_reader, writer)):
            task = asyncio.create_task(self._copy(source, sink))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        writer.close()


@contextlib.contextmanager
def closed_at_end(lines: list[LineMqtt]) -> Iterator[None]:
    """Close all, also after a failure."""
    try:
        yield
    finally:
        for line in lines:
            line.close(0.0)


def guarded_by(program: str, folder: Path, user: str, password: str) -> Mosquitto:
    """A broker, not yet started, that lets nobody else in."""
    passwords = folder / "passwords"
    passwords.touch(mode=0o600)
    tool = Path(program).parents[1] / "bin" / "mosquitto_passwd"
    subprocess.run([tool, "-b", passwords, user, password], check=True)
    return Mosquitto(program, folder, "allow_anonymous false", f"password_file {passwords}")


def certificate(
    folder: Path, name: str, host: str, authority=None
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """A certificate and its key, of an authority or by itself; written to NAME.pem and NAME.key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    issuer, issuer_key = (authority[0].subject, authority[1]) if authority else (subject, key)
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    builder = x509.CertificateBuilder(
        issuer, subject, key.public_key(), x509.random_serial_number(), now - day, now + day
    )
    named = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    builder = builder.add_extension(named, critical=False)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    if authority is None:
        may = dict.fromkeys(
            ("content_commitment", "data_encipherment", "digital_signature", "encipher_only", "decipher_only"), False
        )
        usage = x509.KeyUsage(key_cert_sign=True, crl_sign=True, key_agreement=False, key_encipherment=False, **may)
        builder = builder.add_extension(usage, critical=True)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    else:
        with contextlib.suppress(ValueError):
            builder = builder.add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))]), critical=False
            )
    signed = builder.sign(issuer_key, hashes.SHA256())
    (folder / f"{name}.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    (folder / f"{name}.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return signed, key
