"""Documents to store, with as little said as the test needs."""

from typing import Any

from msgspec.structs import replace

from alertwhisperer.domain.alert import Alert
from alertwhisperer.domain.asset import Asset
from alertwhisperer.domain.scope import Actor, Scope
from alertwhisperer.domain.timer import Timer, timer
from alertwhisperer.domain.user import User
from tests.support.cast import ACME, ADA

NOON = "2026-11-21T12:00:00.000000Z"
LATER = "2026-11-21T12:05:00.000000Z"


def scope(company_id: str = ACME, actor: Actor = ADA) -> Scope:
    return Scope(company_id, actor)


def alert(alert_id: str, company_id: str = ACME, **changes: Any) -> Alert:
    plain = Alert(
        id=alert_id,
        company_id=company_id,
        asset_name="db-01",
        signature="HighCpu",
        severity="high",
        message="CPU above 95 %",
        tool_source="prometheus",
        timestamp=NOON,
        received_at=NOON,
        last_received_at=NOON,
        dedup_key=f"key-{alert_id}",
        stable_key="stable",
    )
    return replace(plain, **changes)


def asset(asset_id: str, name: str, company_id: str = ACME) -> Asset:
    return Asset(id=asset_id, company_id=company_id, name=name)


def user(user_id: str, email: str) -> User:
    return User(id=user_id, email=email, name=user_id, hashed_password="x", role="technician", created_at=NOON)


def wake_up(subject_id: str, due_at: str = NOON, company_id: str = ACME) -> Timer:
    return timer("incident.wake", company_id, subject_id, due_at)
