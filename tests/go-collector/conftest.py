"""Which programs there are, and fixtures."""

import os
from typing import Iterator

import pytest

from collector import binary
from sink import Sink

PROGRAMS = ("etalon", "go")


def program(name: str) -> str:
    """The path of one of `PROGRAMS`."""
    return binary() if name == "etalon" else os.environ["GO_COLLECTOR_BIN"]


def pytest_configure() -> None:
    if not os.environ.get("GO_COLLECTOR_BIN"):
        pytest.exit("GO_COLLECTOR_BIN is not set; run these tests with: cargo xtask test go-collector", returncode=2)


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink
