"""Stock moto, started once."""

from __future__ import annotations

import os
import urllib.request
from collections.abc import Iterator

import pytest
from fixtures import Sandbox


@pytest.fixture(scope="session")
def moto_server() -> Iterator[str]:
    """Return the URL of moto's server."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def moto(moto_server: str, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """Return moto, emptied, in the place of our sandbox."""
    moto = Sandbox(simulator=None, url=moto_server)  # type: ignore[arg-type]
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in moto.env.items():
        monkeypatch.setenv(name, value)
    reset = urllib.request.Request(f"{moto.url}/moto-api/reset", method="POST")
    urllib.request.urlopen(reset).close()
    return moto
