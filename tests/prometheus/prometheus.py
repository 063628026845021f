"""Prometheus as a process, and what it says over its API."""

import json
import socket
import subprocess
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from collector import WAIT, eventually


class Prometheus:
    """A running Prometheus that scrapes these targets, a job for each, with these settings of each job. A context manager:
    leaving it ends the process."""

    def __init__(self, program: str, targets: dict[str, str], settings: dict[str, Any], directory: Path) -> None:
        jobs = [
            {"job_name": job, "static_configs": [{"targets": [target]}], **settings} for job, target in targets.items()
        ]
        path = directory / "prometheus.yaml"
        path.write_text(json.dumps({"global": {"scrape_interval": "200ms", "scrape_timeout": "200ms"}, "scrape_configs": jobs}))
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.address = "127.0.0.1:%d" % free.getsockname()[1]
        self.jobs = set(targets)
        self.log = directory / "prometheus.log"
        self.command = [
            program,
            f"--config.file={path}",
            f"--storage.tsdb.path={directory / 'data'}",
            f"--web.listen-address={self.address}",
        ]

    def __enter__(self) -> "Prometheus":
        with self.log.open("w") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            eventually(self._scrapes, "each target is scraped")
        except BaseException as error:
            self.__exit__()
            raise AssertionError(f"{error}\n{self.log.read_text()}") from error
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(WAIT)

    def ask(self, path: str, **parameters: str) -> Any:
        """The data of an answer of the API."""
        url = f"http://{self.address}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=WAIT) as answer:
            return json.load(answer)["data"]

    def series(self, job: str) -> list[dict[str, str]]:
        """The labels of all series of a job, `__name__` among them."""
        return self.ask("series", **{"match[]": f'{{job="{job}"}}'})

    def values(self, query: str) -> list[float]:
        """The values of an instant query now."""
        return [float(one["value"][1]) for one in self.ask("query", query=query)["result"]]

    def kind(self, job: str, metric: str) -> str:
        """The type of a metric of a job."""
        [told] = {one["type"] for one in self.ask("targets/metadata", match_target=f'{{job="{job}"}}', metric=metric)}
        return told

    def _scrapes(self) -> bool:
        assert self.process.poll() is None, f"Prometheus ended with {self.process.returncode}"
        try:
            targets = self.ask("targets")["activeTargets"]
        except OSError:
            return False
        assert not (errors := [one["lastError"] for one in targets if one["lastError"]]), errors
        return {one["labels"]["job"] for one in targets if one["health"] == "up"} == self.jobs
