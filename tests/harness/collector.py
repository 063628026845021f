"""The collector as a process: started with a configuration, known by its log lines, stopped by SIGTERM."""

import json
import os
import signal
import subprocess
import threading
import time
import urllib.request
from functools import cache
from pathlib import Path
from typing import Any, Callable

READY = "Everything is ready. Begin running and processing data."
WAIT = 30.0


@cache
def binary() -> str:
    """`$ETALON_BIN`, or else what cargo builds."""
    if named := os.environ.get("ETALON_BIN"):
        return named
    build = subprocess.run(
        ["cargo", "build", "--quiet", "--package", "etalon", "--bin", "etalon", "--message-format=json"],
        cwd=Path(__file__).parent,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        check=True,
    )
    built = [json.loads(line).get("executable") for line in build.stdout.splitlines()]
    return next(executable for executable in built if executable)


class Collector:
    """A running `etalon`, or another collector with its command line and its log lines. A context manager:
    leaving it stops the process and checks that it exits 0."""

    def __init__(self, configuration: str, directory: Path, program: str | None = None) -> None:
        path = directory / "collector.yaml"
        path.write_text(configuration)
        self._changed = threading.Condition()
        self._lines: list[dict[str, Any]] = []
        self._other: list[str] = []
        self._ended = False
        self.process = subprocess.Popen(
            [program or binary(), "--config", str(path)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            cwd=directory,
            encoding="utf-8",
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> "Collector":
        try:
            self.wait_for_line(READY)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        status = self._end(WAIT)
        if failed is None:
            assert status == 0, f"exit status {status}\n{self.log()}"

    @property
    def grpc_endpoint(self) -> str:
        """`host:port` of the OTLP receiver."""
        return self.wait_for_line("Starting GRPC server")["endpoint"]

    @property
    def http_endpoint(self) -> str:
        """`http://host:port` of the OTLP receiver."""
        return "http://" + self.wait_for_line("Starting HTTP server")["endpoint"]

    def metric(self, name: str, **labels: str) -> float:
        """The sum of the series of a metric that have these labels; 0 when there is none."""
        endpoint = self.wait_for_line("Serving metrics")["endpoint"]
        with urllib.request.urlopen(f"http://{endpoint}/metrics", timeout=WAIT) as answer:
            text = answer.read().decode()
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        series = [line for line in text.splitlines() if line.startswith((name + "{", name + " "))]
        return sum(float(line.rsplit(" ", 1)[1]) for line in series if all(pair in line for pair in wanted))

    def wait_for_line(self, message: str) -> dict[str, Any]:
        """The first log line with this message; waits for it."""

        def found() -> bool:
            return self._ended or any(line["msg"] == message for line in self._lines)

        with self._changed:
            self._changed.wait_for(found, WAIT)
            for line in self._lines:
                if line["msg"] == message:
                    return line
        raise AssertionError(f"the collector has not said {message!r}; it said\n{self.log()}")

    def log(self) -> str:
        """All that the process has written to stderr."""
        with self._changed:
            return "\n".join([json.dumps(line, ensure_ascii=False) for line in self._lines] + self._other)

    def _read(self) -> None:
        for text in self.process.stderr:
            with self._changed:
                try:
                    self._lines.append(json.loads(text))
                except ValueError:
                    self._other.append(text.rstrip())
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _end(self, patience: float = 0.0) -> int:
        try:
            status = self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(WAIT)
            status = -signal.SIGKILL
        self._reader.join(WAIT)
        return status


def eventually(condition: Callable[[], bool], what: str, timeout: float = WAIT) -> None:
    """Asks until `condition` holds; for what can only be asked, such as a counter."""
    deadline = time.monotonic() + timeout
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, f"not within {timeout:.0f} s: {what}"
        pause.wait(0.02)


def configuration(exporter: str, settings: dict[str, Any]) -> str:
    """OTLP in on ports of the system's choice, one exporter, all three signals. YAML by way of JSON."""
    pipeline = {"receivers": ["otlp"], "exporters": [exporter]}
    prometheus = {"host": "127.0.0.1", "port": 0}
    tree = {
        "receivers": {"otlp": {"protocols": {"grpc": {"endpoint": "127.0.0.1:0"}, "http": {"endpoint": "127.0.0.1:0"}}}},
        "exporters": {exporter: settings},
        "service": {
            "telemetry": {
                "logs": {"encoding": "json", "level": "info"},
                "metrics": {"readers": [{"pull": {"exporter": {"prometheus": prometheus}}}]},
            },
            "pipelines": {"traces": pipeline, "metrics": pipeline, "logs": pipeline},
        },
    }
    return json.dumps(tree, indent=2)
