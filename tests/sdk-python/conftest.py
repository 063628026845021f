"""Fixtures, and the assertion that all tests end in."""

import itertools
import os
from typing import Iterator

import pytest

import samples
from application import Application
from compare import differences
from sink import Received, Sink
from wire import LOGS, METRICS, SIGNALS, TRACES, Signal, accounted, attributes, items, plain, same

RUNS = itertools.count(1)


@pytest.fixture
def run() -> str:
    """Tells the data of one test from that of the others that share a sink."""
    return f"run {os.getpid()}.{next(RUNS)}"


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


def of_run(received: list[Received], run: str) -> list[Received]:
    """The requests whose resources are those of one run."""
    return [one for one in received if run in _runs(one)]


def _runs(received: Received) -> set[str]:
    resources = getattr(received.request, received.signal.resources)
    return {attribute.value.string_value for r in resources for attribute in r.resource.attributes if attribute.key == "test.run"}


def assert_arrived(sink: Sink, application: Application, run: str) -> None:
    """Waits until as much has arrived as the application sent, and compares item by item."""
    assert application.failures() == []
    for signal in SIGNALS:
        sent = application.handed[signal].requests
        count = sum(accounted(signal, request) for request in sent)
        assert count > 0, f"no {signal.name} were sent"

        def enough(received: list[Received], signal: Signal = signal, count: int = count) -> bool:
            return sum(accounted(signal, one.request) for one in of_run(received, run) if one.signal is signal) >= count

        complete = sink.wait(enough)
        received = [one.request for one in of_run(sink.received(), run) if one.signal is signal]
        assert not (problems := differences(signal, sent, received)), "\n".join(problems)
        assert complete, f"{signal.name}: {count} were sent"
    assert_values(of_run(sink.received(), run))


def assert_values(received: list[Received]) -> None:
    """The values that the samples name by hand are there, with their types."""
    found = {signal: [item for one in received if one.signal is signal for item in items(signal, one.request)] for signal in SIGNALS}
    [server] = [item.item for item in found[TRACES] if item.item.name == "GET /käse/{id}"]
    assert same(attributes(server.attributes), samples.VALUES)
    assert same(attributes(server.links[0].attributes), samples.VALUES)
    assert same(attributes(server.events[0].attributes), samples.VALUES)
    assert [event.name for event in server.events] == ["with every value", ""]
    assert server.trace_id.hex() == "fedcba98765432100123456789abcdef"
    assert server.parent_span_id.hex() == "fedcba9876543210"
    assert server.trace_state == "vendor=a:b,other@tenant=0"
    for item in found[METRICS] + found[LOGS]:
        assert attributes(item.resource.attributes)["int.min"] == samples.INT64_MIN
    edges = {
        attributes(point.attributes)["edge"]: point.as_int
        for item in found[METRICS]
        if item.item.name == "gauge.integers"
        for point in item.item.gauge.data_points
    }
    assert edges == {"max": samples.INT64_MAX, "min": samples.INT64_MIN}
    bodies = [plain(item.item.body) for item in found[LOGS] if item.item.event_name == "body"]
    assert len(bodies) == len(samples.BODIES) and all(map(same, bodies, samples.BODIES))
