"""Some clients of the ground line, with keys."""

from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol.line.envelope import Author
from protocol.line.intake import Intake

AGREEMENT = sha256(b"terms").hexdigest()
CLIENTS = ("coalition", "federation", "monitor-mon-1")


class Clients:
    """Those of one agreement, and who listens to them."""

    agreement = AGREEMENT

    def __init__(self) -> None:
        self.keys = {name: Ed25519PrivateKey.from_private_bytes(sha256(name.encode()).digest()) for name in CLIENTS}

    @property
    def public(self) -> dict[str, str]:
        return {name: key.public_key().public_bytes_raw().hex() for name, key in self.keys.items()}

    def author(self, client: str, session: int = 1, agreement: str = AGREEMENT) -> Author:
        return Author(client, session, agreement, self.keys[client])

    def intake(self) -> Intake:
        return Intake(AGREEMENT, self.public)
