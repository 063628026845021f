"""What the Java SDK records arrives, by every way that it can send."""

import os
from pathlib import Path

import pytest

from sdk import COMPRESSIONS, EXPORTERS, Application, assert_forwarded


@pytest.mark.parametrize("exporter", EXPORTERS)
@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("way", ["grpc", "protobuf"])
def test_everything_arrives(tmp_path: Path, way: str, compression: str, exporter: str) -> None:
    java = ["java", "-cp", os.environ["SDK_JAVA_CLASSPATH"], "Application"]
    assert_forwarded(Application(java), way, compression, exporter, tmp_path)
