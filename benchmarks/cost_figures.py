"""What `benchmarks.cost` has measured, as `costs.json` keeps it: the inputs of docs/costs.md."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from msgspec import Struct, json

FILE: Final = Path(__file__).with_name("costs.json")


class WriteSet(Struct, frozen=True, kw_only=True):
    """A kind of traffic. Units are an alert's share: `written` by item and index, `read` in all.

    goal: at most so many units written; None where there is none. stored: bytes that stay, by table.
    """

    name: str
    title: str
    alerts: int
    transactions: int
    written: dict[str, float]
    read: float
    stored: dict[str, float] = {}
    goal: float | None = None

    @property
    def total(self) -> float:
        """Units written."""
        return sum(self.written.values())


class Idle(Struct, frozen=True, kw_only=True):
    """What one process reads in an hour in which nothing happens, in units, with so many companies in the database."""

    title: str
    companies: int
    read: float


class Figures(Struct, frozen=True, kw_only=True):
    """All of it."""

    write_sets: list[WriteSet]
    idle: list[Idle]

    def of(self, name: str) -> WriteSet:
        """A write set by name. StopIteration if there is none."""
        return next(each for each in self.write_sets if each.name == name)


def load() -> Figures:
    """The figures that were measured last."""
    return json.decode(FILE.read_bytes(), type=Figures)


def save(figures: Figures) -> None:
    """Keep them for the docs."""
    FILE.write_bytes(json.format(json.encode(figures), indent=2) + b"\n")
