"""A client of the server that the environment names, and events that all tests read."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from oracle import SALES
from proxy import Proxy

import millrace


@pytest.fixture(scope="session")
def url() -> str:
    return os.environ["MILLRACE_URL"]


@pytest.fixture(scope="session")
def client(url: str) -> Iterator[millrace.Client]:
    """May read, publish, operate and explain; its key is in the environment."""
    with millrace.connect() as found:
        published = found.publish("sales", SALES)
        assert published.rejected == ()
        # All are duplicates where the tests are run again on the same server.
        assert published.accepted + published.duplicates == len(SALES)
        yield found


@pytest.fixture(scope="session")
def reader(url: str) -> Iterator[millrace.Client]:
    """May read only."""
    with millrace.connect(url, api_key=os.environ["READER_KEY"]) as found:
        yield found


@pytest.fixture(scope="session")
def other(url: str) -> Iterator[millrace.Client]:
    """May publish, too, and name files of the server's machine."""
    with millrace.connect(url, api_key=os.environ["OTHER_KEY"]) as found:
        yield found


@pytest.fixture
def proxy(url: str) -> Iterator[Proxy]:
    """Between a client and the server: it fails as the test says."""
    with Proxy(url) as found:
        yield found


@pytest.fixture
def through(proxy: Proxy) -> Iterator[millrace.Client]:
    """A client that reaches the server through the proxy."""
    with millrace.connect(proxy.url, timeout=20) as found:
        yield found
