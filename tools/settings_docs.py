"""Render docs/settings.md and .env.example from the Settings class."""

from pathlib import Path
from typing import Any

from alertwhisperer.settings import SECRET_FIELDS, Settings

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs" / "settings.md"
EXAMPLE = ROOT / ".env.example"
SECRETS = frozenset({*SECRET_FIELDS, "metrics_token", "mongo_url"})

PREAMBLE = """\
# Settings
Rendered from `src/alertwhisperer/settings.py` by `make fix`; do not edit.

Alert Whisperer needs no setting to start. It reads environment variables, then a file `.env` in the
folder it is started from; options of a command (`serve --port`) win over both. A setting that is wrong
stops the start with a sentence that names it.

On SQLite, secrets that are not set are made at the first start and kept in a file beside the database,
`data/alertwhisperer.secrets.json`, readable by its owner alone. Back it up apart from the database:
without it sealed keys cannot be read, and the audit chain cannot be verified.

| variable | default | values | what it does |
|---|---|---|---|
"""
EXAMPLE_PREAMBLE = """\
# Copy to .env and change what you need; every line shows a default. Rendered by `make fix`.
# What each does: docs/settings.md
"""


def default_of(name: str) -> str:
    """The default as one would write it in the environment; empty when there is none."""
    default = Settings.model_fields[name].default
    if isinstance(default, tuple):
        return ",".join(default)
    return "" if default is None else str(default)


def values_of(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if schema.get("type") == "integer":
        low, high = schema.get("minimum"), schema.get("maximum")
        return f"{low} to {high}" if high is not None else f"at least {low}"
    return {"array": "list", "string": "text"}.get(schema.get("type", "string"), "text")


def table() -> str:
    properties = Settings.model_json_schema()["properties"]
    rows = []
    for name, field in Settings.model_fields.items():
        if not field.description:
            raise ValueError(f"setting {name} has no description")
        default = default_of(name)
        shown = f"`{default}`" if default else "unset"
        values = "secret" if name in SECRETS else values_of(properties[name])
        rows.append(f"| `{name.upper()}` | {shown} | {values} | {field.description} |\n")
    return "".join(rows)


def example() -> str:
    return EXAMPLE_PREAMBLE + "".join(f"#{name.upper()}={default_of(name)}\n" for name in Settings.model_fields)


def rendered() -> dict[Path, str]:
    """The text that each rendered file must have."""
    return {DOCS: PREAMBLE + table(), EXAMPLE: example()}
