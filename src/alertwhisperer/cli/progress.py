"""A bar that grows while something long is done, in a terminal; elsewhere only the sentences."""

import sys
from types import TracebackType

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn


class Bar:
    """`storage.transfer_handover.Watch` for people; `quiet` says nothing at all."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        columns = (TextColumn("{task.description:>16}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        hidden = quiet or not sys.stderr.isatty()
        self._progress = Progress(*columns, console=Console(stderr=True), transient=True, disable=hidden)
        self._task: TaskID | None = None

    def __enter__(self) -> "Bar":
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def begin(self, collection: str, total: int | None) -> None:
        """A collection begins."""
        self._end()
        self._task = self._progress.add_task(collection, total=total)

    def advance(self, count: int) -> None:
        """So many more."""
        if self._task is not None:
            self._progress.advance(self._task, count)

    def say(self, sentence: str) -> None:
        """A sentence above the bar, on standard error."""
        self._end()
        if self._quiet:
            return
        if self._progress.disable:
            typer.echo(f"• {sentence}", err=True)
        else:
            self._progress.console.print(f"• {sentence}", markup=False, highlight=False)

    def _end(self) -> None:
        if self._task is not None:
            self._progress.remove_task(self._task)
            self._task = None
