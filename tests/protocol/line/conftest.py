"""What the tests of the ground line share."""

import pytest

from tests.protocol.line.clients import Clients


@pytest.fixture
def clients() -> Clients:
    return Clients()
