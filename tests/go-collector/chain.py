"""Collectors one behind the other, each sending to the next one, the last one to the sink."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from collector import Collector, configuration
from conftest import program

OFF = {"enabled": False}
EXPORTERS = {"grpc": "otlp_grpc", "http": "otlp_http"}


class Destination(Protocol):
    """What the last one sends to."""

    grpc_endpoint: str
    http_endpoint: str


@dataclass(frozen=True)
class Hop:
    """One collector: which program, and how it sends on."""

    program: str
    transport: str
    settings: dict[str, Any] = field(default_factory=dict)


class Chain:
    """Running collectors. A context manager.

    They answer when the one behind them has answered: no queue, and no retry, unless a hop's settings say
    otherwise.
    """

    def __init__(self, hops: list[Hop], destination: Destination, folder: Path) -> None:
        self._hops = hops
        self._destination = destination
        self._folder = folder
        self._stack = ExitStack()
        self.collectors: list[Collector] = []

    def __enter__(self) -> "Chain":
        behind: Any = self._destination
        with self._stack:
            for number, hop in reversed(list(enumerate(self._hops))):
                folder = self._folder / f"{number}-{hop.program}"
                folder.mkdir()
                endpoint = {"grpc": behind.grpc_endpoint, "http": behind.http_endpoint}[hop.transport]
                settings = {
                    "endpoint": endpoint,
                    "tls": {"insecure": True},
                    "compression": "none",
                    "sending_queue": OFF,
                    "retry_on_failure": OFF,
                    **hop.settings,
                }
                text = configuration(EXPORTERS[hop.transport], settings)
                behind = self._stack.enter_context(Collector(text, folder, program(hop.program)))
                self.collectors.insert(0, behind)
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.__exit__(*error)

    def address(self, transport: str) -> str:
        """Where the first one takes data."""
        first = self.collectors[0]
        return {"grpc": first.grpc_endpoint, "http": first.http_endpoint}[transport]
