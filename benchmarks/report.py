"""Results as Markdown for people and as JSON for scripts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

Cell = str | float | int | None


@dataclass
class Table:
    """One table; a float is shown with as many digits as it deserves, None as a dash."""

    title: str
    columns: Sequence[str]
    rows: list[list[Cell]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, *cells: Cell) -> None:
        self.rows.append(list(cells))

    def markdown(self) -> str:
        lines = [f"### {self.title}", ""]
        if self.rows:
            lines += [
                f"| {' | '.join(self.columns)} |",
                f"|{'---|' * len(self.columns)}",
                *(f"| {' | '.join(show(cell) for cell in row)} |" for row in self.rows),
                "",
            ]
        return "\n".join(lines + [f"- {note}" for note in self.notes] + [""])


@dataclass
class Report:
    """The tables of one run, printed as they are made."""

    title: str
    settings: dict[str, Cell] = field(default_factory=dict)
    tables: list[Table] = field(default_factory=list)

    def head(self) -> str:
        lines = [f"## {self.title}", ""]
        return "\n".join([*lines, *(f"- {key}: {show(v)}" for key, v in self.settings.items()), ""])

    def document(self) -> dict[str, object]:
        return {
            "title": self.title,
            "settings": self.settings,
            "tables": [
                {
                    "title": table.title,
                    "rows": [dict(zip(table.columns, row, strict=True)) for row in table.rows],
                    "notes": table.notes,
                }
                for table in self.tables
            ],
        }


def show(cell: Cell) -> str:
    if cell is None:
        return "-"
    if isinstance(cell, float):
        return f"{cell:,.0f}" if abs(cell) >= 100 else f"{cell:.3g}"
    return f"{cell:,}" if isinstance(cell, int) else cell


def write_json(reports: Sequence[Report], path: Path) -> None:
    path.write_text(json.dumps([report.document() for report in reports], indent=2) + "\n")
