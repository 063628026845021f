"""What goes through our collector and Go's, in any order, arrives field by field."""

from pathlib import Path
from typing import Any

import pytest

from chain import Chain, Hop
from compare import differences
from everything import request
from sender import send
from sink import Sink
from wire import METRICS, SIGNALS, items

CHAINS = [("go", "etalon"), ("etalon", "go"), ("etalon", "go", "etalon"), ("go", "etalon", "go")]
# How the sender sends, and every other hop after that; and how the hops between send.
PAIRS = [("grpc", "grpc"), ("grpc", "http"), ("http", "grpc"), ("http", "http")]
NEIGHBOURS = [("go", "etalon"), ("etalon", "go")]
COMPRESSIONS = [("grpc", name) for name in ("gzip", "snappy", "zstd")] + [
    ("http", name) for name in ("gzip", "zstd", "snappy", "x-snappy-framed", "zlib", "deflate", "lz4")
]


def assert_arrives(sink: Sink, hops: list[Hop], incoming: str, folder: Path) -> None:
    """Sends a request of each signal, and compares what the sink has then with what was sent."""
    with Chain(hops, sink, folder) as chain:
        for signal in SIGNALS:
            sent = request(signal)
            answer = send(incoming, chain.address(incoming), signal, sent)
            assert answer.delivered, answer
            arrived = [one.request for one in sink.received() if one.signal is signal]
            assert not (problems := differences(signal, [sent], arrived)), "\n".join(problems)


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
@pytest.mark.parametrize("programs", CHAINS, ids="-".join)
def test_everything_arrives_unchanged(sink: Sink, tmp_path: Path, programs: tuple[str, ...], pair: tuple[str, str]) -> None:
    hops = [Hop(program, pair[(number + 1) % 2]) for number, program in enumerate(programs)]
    assert_arrives(sink, hops, pair[0], tmp_path)


@pytest.mark.parametrize(("transport", "compression"), COMPRESSIONS)
@pytest.mark.parametrize("programs", NEIGHBOURS, ids="-".join)
def test_each_reads_what_the_other_has_compressed(
    sink: Sink, tmp_path: Path, programs: tuple[str, str], transport: str, compression: str
) -> None:
    hops = [Hop(programs[0], transport, {"compression": compression}), Hop(programs[1], "grpc")]
    assert_arrives(sink, hops, "grpc", tmp_path)


@pytest.mark.parametrize("programs", NEIGHBOURS, ids="-".join)
def test_each_reads_the_json_of_the_other(sink: Sink, tmp_path: Path, programs: tuple[str, str]) -> None:
    settings: dict[str, Any] = {"encoding": "json"}
    assert_arrives(sink, [Hop(programs[0], "http", settings), Hop(programs[1], "http", settings)], "http", tmp_path)
    assert {received.headers["content-type"] for received in sink.received()} == {"application/json"}


def test_the_requests_have_every_kind_of_metric() -> None:
    kinds = {item.item.WhichOneof("data") for item in items(METRICS, request(METRICS))}
    assert kinds == {"gauge", "sum", "histogram", "exponential_histogram", "summary"}
