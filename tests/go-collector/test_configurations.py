"""A configuration that Go's collector takes is one that ours takes, and what one refuses the other refuses."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import PROGRAMS, program

FOLDER = Path(__file__).parent / "configurations"
WAIT = 30.0


def changes(name: str) -> list[str]:
    """The lines of a table that say something."""
    lines = (FOLDER / name).read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def validate(name: str, change: str) -> subprocess.CompletedProcess[str]:
    """`validate` with a change to the base."""
    sets = [argument for one in change.split(" ; ") for argument in ("--set", one)]
    command = [program(name), "validate", "--config", str(FOLDER / "base.yaml"), *sets]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", timeout=WAIT, check=False)


def verdicts(change: str) -> dict[str, int]:
    """The exit statuses."""
    return {name: validate(name, change).returncode for name in PROGRAMS}


@pytest.mark.parametrize("change", ["service.telemetry.logs.level=info", *changes("accepted.txt")])
def test_both_take_it(change: str) -> None:
    assert verdicts(change) == {"etalon": 0, "go": 0}


@pytest.mark.parametrize("change", changes("refused.txt"))
def test_both_refuse_it(change: str) -> None:
    assert verdicts(change) == {"etalon": 1, "go": 1}


@pytest.mark.parametrize(
    "change",
    [
        "service.pipelines.traces.exporters=[forward]",
        "service.pipelines.traces.receivers=[forward]",
        "service.pipelines.traces.exporters=[forward] ; service.pipelines.logs.receivers=[forward]",
        "service.pipelines.traces={receivers: [otlp, forward], exporters: [forward]}",
        "service.pipelines.traces.exporters=[forward] ; service.pipelines.traces/2={receivers: [forward], exporters: [debug, forward]}",
    ],
)
def test_an_error_of_the_graph_has_the_same_words(change: str) -> None:
    ended = {name: validate(name, f"connectors.forward=null ; {change}") for name in PROGRAMS}
    told = {name: [line for line in one.stderr.splitlines() if line.startswith("Error: ")] for name, one in ended.items()}
    assert told["etalon"] == told["go"] and told["go"][0].startswith("Error: failed to build pipelines: "), ended


def differences() -> Iterator[tuple[str, str]]:
    for line in changes("differences.txt"):
        who, rest = line.split(" ", 1)
        change, _, reason = rest.rpartition("  # ")
        assert who in PROGRAMS and reason, line
        yield who, change


@pytest.mark.parametrize(("who", "change"), list(differences()))
def test_only_one_takes_it_for_the_reason_given(who: str, change: str) -> None:
    found = verdicts(change)
    agreed = {0: "both take it now: it belongs into accepted.txt", 1: "both refuse it now: it belongs into refused.txt"}
    assert len(set(found.values())) == 2, agreed.get(found[who], found)
    assert found == {name: int(name != who) for name in PROGRAMS}
