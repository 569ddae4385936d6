"""How the webhooks look in OpenAPI; they are served beside FastAPI, by `ingest.py`."""

from typing import Final

from msgspec import Struct

from alertwhisperer.api.codec import PUBLIC, Contract
from alertwhisperer.api.ingest import OneResult, Results
from alertwhisperer.api.openapi import Extra, Json


class WebhookAlert(Struct, frozen=True, kw_only=True):
    """An alert as a tool sends it; other fields are passed over.

    `severity` is one of ours or the tool's own word, `status` is `firing` (default) or `resolved`.
    """

    asset_name: str
    signature: str
    message: str
    severity: str = "unknown"
    tool_source: str = ""
    status: str = "firing"
    timestamp: str | None = None
    dedup_key: str | None = None
    labels: dict[str, str] = {}
    url: str | None = None


class AlertmanagerItem(Struct, frozen=True, kw_only=True):
    """One alert of an Alertmanager message."""

    status: str
    labels: dict[str, str]
    annotations: dict[str, str] = {}
    startsAt: str = ""  # noqa: N815  # Alertmanager's name
    endsAt: str = ""  # noqa: N815
    generatorURL: str = ""  # noqa: N815
    fingerprint: str = ""


class AlertmanagerMessage(Struct, frozen=True, kw_only=True):
    """What Alertmanager's `webhook_configs` sends (version 4); other fields are passed over."""

    alerts: list[AlertmanagerItem]


PARAMETERS: Final[list[Json]] = [
    {
        "name": "X-Delivery-ID",
        "in": "header",
        "required": False,
        "description": "The sender's own id of this delivery; a repeat within 24 h is answered as the first was.",
        "schema": {"type": "string", "maxLength": 255},
    },
    {
        "name": "X-Signature",
        "in": "header",
        "required": False,
        "description": "Hex HMAC-SHA256 of `<X-Timestamp>.<raw body>`, where the company asks for it.",
        "schema": {"type": "string"},
    },
    {
        "name": "X-Timestamp",
        "in": "header",
        "required": False,
        "description": "Unix seconds at which the delivery was signed.",
        "schema": {"type": "string"},
    },
]
SECURITY: Final[list[Json]] = [{"apiKey": []}, {"apiKeyInQuery": []}]

EXTRA: Final = (
    Extra(
        contract=Contract(
            method="POST",
            path="/api/webhooks/alerts",
            verb=PUBLIC,
            status=201,
            takes=(WebhookAlert, list[WebhookAlert]),
            gives=OneResult,
            handler="receive_alerts",
        ),
        summary="Receive Alerts",
        description="One alert, an array, or NDJSON. 201 for a new alert, 200 for one that is known; an array gets "
        "200 with an outcome for each. A 2xx means: on disk.",
        tag="webhooks",
        parameters=PARAMETERS,
        security=SECURITY,
        also={200: (OneResult, Results)},
    ),
    Extra(
        contract=Contract(
            method="POST",
            path="/api/webhooks/alertmanager",
            verb=PUBLIC,
            status=200,
            takes=AlertmanagerMessage,
            gives=Results,
            handler="receive_alertmanager",
        ),
        summary="Receive Alertmanager",
        description="What Prometheus' Alertmanager posts. Too much is a 503, which Alertmanager repeats.",
        tag="webhooks",
        parameters=PARAMETERS,
        security=SECURITY,
    ),
)
