"""Brokers for tests of the ground line."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from radio.broker import Broker
from tests.oracles import mosquitto, oracle
from tests.radio.line_brokers import Mosquitto


@pytest.fixture(params=["amqtt", "mosquitto"])
def broker(request: pytest.FixtureRequest) -> Iterator[Broker | Mosquitto]:
    """Each of both, started."""
    with tempfile.TemporaryDirectory() as folder:
        if request.param == "amqtt":
            oracle("amqtt", "broker")
            made: Broker | Mosquitto = Broker()
        else:
            made = Mosquitto(mosquitto(), Path(folder))
        try:
            made.start()
            yield made
        finally:
            made.close()
