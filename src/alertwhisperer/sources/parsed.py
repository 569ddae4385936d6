"""What a source makes of a payload, and the reading habits that all sources share."""

import re
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

from alertwhisperer.domain.alert import IncomingAlert, Severity
from alertwhisperer.domain.errors import Invalid

ALERTS_AT_MOST: Final = 5_000
ALERT_BYTES_AT_MOST: Final = 64 * 1024
NAME_AT_MOST: Final = 512
MESSAGE_AT_MOST: Final = 16_384
LABELS_AT_MOST: Final = 100
LABEL_AT_MOST: Final = 4_096
URL_AT_MOST: Final = 2_048

_WORDS: Final[dict[str, Severity]] = {
    "critical": "critical",
    "crit": "critical",
    "fatal": "critical",
    "disaster": "critical",
    "emergency": "critical",
    "emerg": "critical",
    "page": "critical",
    "p1": "critical",
    "sev0": "critical",
    "sev1": "critical",
    "high": "high",
    "error": "high",
    "err": "high",
    "major": "high",
    "p2": "high",
    "sev2": "high",
    "medium": "medium",
    "moderate": "medium",
    "warning": "medium",
    "warn": "medium",
    "average": "medium",
    "p3": "medium",
    "sev3": "medium",
    "low": "low",
    "minor": "low",
    "p4": "low",
    "sev4": "low",
    "info": "info",
    "information": "info",
    "informational": "info",
    "notice": "info",
    "none": "info",
    "debug": "info",
    "p5": "info",
}

PLAIN_NAMES_AT_MOST: Final = 1_000
_PLAIN_NAMES: Final[set[str]] = set()
"""Names of labels that were found good: a sender's are the same in every alert."""

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


class Rejected(Struct, frozen=True, kw_only=True):
    """One item of a payload that is not an alert, and why."""

    message: str
    field: str | None = None


class Parsed(Struct, frozen=True, kw_only=True):
    """What a payload holds, in its order. `batch` says whether the sender expects a list of answers.

    `control` counts what is no alert by design (a heartbeat, a confirmation); `warnings` are about the whole.
    """

    items: Sequence[IncomingAlert | Rejected]
    batch: bool
    control: int = 0
    warnings: Sequence[str] = ()


def severity_of(word: object) -> tuple[Severity, list[str]]:
    """Our severity for a sender's word; `unknown`, with a warning, for one that is missing or not known."""
    known = _WORDS.get(word) if isinstance(word, str) else None
    if known:
        return known, []
    text = str(word).strip().lower() if word is not None else ""
    if text in ("", "unknown"):
        return "unknown", []
    known = _WORDS.get(text)
    return (known, []) if known else ("unknown", [f"severity {text[:50]!r} is not known"])


def required(value: object, field: str, at_most: int) -> str:
    """A text that must be there; Invalid, naming the field, when it is missing, empty, no text or too long."""
    if not isinstance(value, str):
        raise Invalid("is required" if value is None else "must be a text", field)
    text = value.strip()
    if not text:
        raise Invalid("must not be empty", field)
    if len(text) > at_most:
        raise Invalid(f"must have at most {at_most} characters", field)
    check_text(text, field)
    return text


def check_text(text: str, field: str) -> None:
    """Invalid where a text holds what not every engine stores: control characters, lone surrogates."""
    if text.isascii() and text.isprintable():
        return
    if _CONTROL.search(text):
        raise Invalid("must not hold control characters", field)
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise Invalid("is not valid Unicode", field)


def labels_of(value: object, field: str = "labels") -> dict[str, str]:
    """Labels as texts; Invalid for keys that not every engine holds (dots, a leading `$`) and for nested values."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise Invalid("must be an object", field)
    if len(value) > LABELS_AT_MOST:
        raise Invalid(f"must have at most {LABELS_AT_MOST} entries", field)
    return {_label_name(name, field): _label_value(each, f"{field}.{name}") for name, each in value.items()}


def are_plain(labels: Mapping[str, str]) -> bool:
    """Whether the names of labels are such as every engine holds; their values are known to be texts."""
    for name in labels:
        if name not in _PLAIN_NAMES:
            if not name or "." in name or name[0] == "$":
                return False
            if len(_PLAIN_NAMES) < PLAIN_NAMES_AT_MOST:
                _PLAIN_NAMES.add(name)
    return True


def _label_name(name: object, field: str) -> str:
    text = str(name)
    if not text or "." in text or text.startswith("$"):
        raise Invalid(f"the name {text[:50]!r} must not be empty, hold a dot or begin with $", field)
    check_text(text, field)
    return text


def _label_value(value: object, field: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        text = str(value)
        check_text(text, field)
        return text[:LABEL_AT_MOST]
    if value is None:
        return ""
    raise Invalid("must be a text, a number or true/false", field)


def safe_urls(*candidates: object) -> list[str]:
    """Those of the candidates that are links a browser may follow: http and https only, each once."""
    found = [text for text in candidates if isinstance(text, str) and len(text) <= URL_AT_MOST and _is_web(text)]
    return list(dict.fromkeys(found))


def _is_web(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)
