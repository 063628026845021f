"""The command line means the same in Go's collector and ours."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import PROGRAMS, program

BASE = str(Path(__file__).parent / "configurations" / "base.yaml")
WAIT = 30.0

EXIT_STATUSES = [
    ("nonsense", 1),
    ("--nonsense", 1),
    ("--config /no/such/file", 1),
    ("--config nonsense:x", 1),
    ("--set a", 1),
    (f"--config {BASE} --feature-gates nonsense", 1),
    ("validate --config /no/such/file", 1),
    (f"validate --config {BASE}", 0),
    (f"validate --config {BASE} --config yaml:exporters::otlp_grpc::timeout:-1s", 1),
    (f"validate --config {BASE} --feature-gates nonsense", 1),
    (f"validate nonsense --config {BASE}", 1),
    (f"print-config --config {BASE}", 0),
    (f"print-initial-config --config {BASE}", 0),
    (f"print-config --config {BASE} --mode nonsense", 1),
    (f"print-config --config {BASE} --format nonsense", 1),
    ("components", 0),
    ("components nonsense", 1),
    ("featuregate", 0),
    ("featuregate nonsense", 1),
    ("featuregate service.AllowNoPipelines", 0),
    ("completion bash", 0),
    ("help", 0),
    ("--help", 0),
    ("--version", 0),
]

# What ours prints otherwise, and why.
OTHERWISE = {
    "exporters.otlp_http.profiles_endpoint": "there is no signal profiles yet",
    "receivers.otlp.protocols.grpc.read_buffer_size": "ours prints 0 for its own default, which is larger",
    "receivers.otlp.protocols.http.read_header_timeout": "ours waits 10 seconds, and not for ever",
}


def run(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs one of the programs to its end."""
    return subprocess.run(
        [program(name), *arguments], stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", timeout=WAIT, check=False
    )


@pytest.mark.parametrize(("arguments", "status"), EXIT_STATUSES)
def test_the_exit_status_is_the_same(arguments: str, status: int) -> None:
    ended = {name: run(name, *arguments.split()) for name in PROGRAMS}
    assert {name: one.returncode for name, one in ended.items()} == dict.fromkeys(PROGRAMS, status), ended


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """What is set in a configuration, by its path. Go prints as empty what it cannot print."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}" if path else key)
    elif value not in (None, []):
        yield path, value


def same(go: Any, etalon: Any) -> bool:
    """Go prints a level in capitals, and a path with the slash that it adds."""
    as_written = (go, etalon)
    return go == etalon or len({str(value).lower().removeprefix("/") for value in as_written}) == 1


@pytest.mark.parametrize(
    "change",
    [
        "exporters.otlp_grpc.timeout=7s",
        "exporters.otlp_grpc.sending_queue={queue_size: 10, block_on_overflow: true}",
        "exporters.otlp_grpc.retry_on_failure={enabled: false, multiplier: 3}",
        "exporters.otlp_grpc.sending_queue={enabled: false}",
        "exporters.otlp_http.compression=zstd",
        "exporters.otlp_http.traces_endpoint=http://localhost/t",
        "receivers.otlp.protocols.grpc.max_recv_msg_size_mib=7",
        "receivers.otlp.protocols.http.traces_url_path=t",
        "exporters.debug={verbosity: detailed, sampling_initial: 7}",
    ],
)
def test_every_value_that_go_prints_is_the_value_that_ours_prints(change: str) -> None:
    printed = {}
    for name in PROGRAMS:
        ended = run(name, "print-config", "--config", BASE, "--set", change, "--format", "json")
        assert ended.returncode == 0, ended
        printed[name] = dict(leaves(json.loads(ended.stdout)))
    different = {
        path: (value, printed["etalon"].get(path, "not printed"))
        for path, value in printed["go"].items()
        if path not in OTHERWISE and not path.startswith("service.telemetry") and not same(value, printed["etalon"].get(path))
    }
    assert different == {}
    assert len(printed["go"]) > 30


def sections(listing: str) -> dict[str, set[str]]:
    """The names of `components`, by kind."""
    found: dict[str, set[str]] = {}
    kind = ""
    for line in listing.splitlines():
        if heading := re.fullmatch(r"(\w+):.*", line):
            kind = heading[1]
        elif name := re.match(r"\s+- name: (\S+)", line):
            found.setdefault(kind, set()).add(name[1])
    return found


@pytest.mark.parametrize("kind", ["receivers", "exporters", "connectors"])
def test_every_component_of_go_is_one_of_ours(kind: str) -> None:
    found = {name: sections(run(name, "components").stdout)[kind] for name in PROGRAMS}
    assert found["go"] <= found["etalon"] and found["go"]


def test_the_feature_gates_have_the_same_names() -> None:
    found = {name: [line.split()[0] for line in run(name, "featuregate").stdout.splitlines()] for name in PROGRAMS}
    assert found["etalon"] == found["go"]
