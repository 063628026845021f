"""What the Go SDK records arrives, by every way that it can send."""

import os
from pathlib import Path

import pytest

from sdk import COMPRESSIONS, EXPORTERS, Application, assert_forwarded


@pytest.mark.parametrize("exporter", EXPORTERS)
@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("way", ["grpc", "protobuf"])
def test_everything_arrives(tmp_path: Path, way: str, compression: str, exporter: str) -> None:
    assert_forwarded(Application([os.environ["SDK_GO"]]), way, compression, exporter, tmp_path)
