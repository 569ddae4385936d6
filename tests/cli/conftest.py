"""Commands as a person types them, in a folder of their own."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import structlog

from alertwhisperer.cli.main import main


@dataclass(frozen=True)
class Said:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str


Run = Callable[..., Said]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Run one command on a database in `tmp_path`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SQLITE_PATH", str(tmp_path / "aw.db"))
    handlers = logging.getLogger().handlers[:]

    def command(*arguments: str) -> Said:
        monkeypatch.setattr("sys.argv", ["alertwhisperer", *arguments])
        capsys.readouterr()
        try:
            main()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        out, err = capsys.readouterr()
        return Said(code, out, err)

    yield command
    structlog.reset_defaults()
    logging.getLogger().handlers[:] = handlers
