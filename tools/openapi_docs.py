"""Render docs/openapi.json from the routes; the browser's types are generated from it."""

from pathlib import Path

import msgspec

from alertwhisperer.api.site import api_document

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs" / "openapi.json"


def rendered() -> dict[Path, str]:
    """The text that each rendered file must have."""
    text = msgspec.json.format(msgspec.json.encode(api_document(), order="sorted"), indent=1).decode()
    return {DOCS: text + "\n"}
