"""What people do to an incident: one route a verb, in one frame."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from msgspec import Meta

from alertwhisperer.api.auth import Caller, Session
from alertwhisperer.api.codec import Answer, Routes
from alertwhisperer.api.filters import InCompany
from alertwhisperer.api.incidents import tagged
from alertwhisperer.api.served import House, Served
from alertwhisperer.domain.errors import Invalid
from alertwhisperer.domain.incident import Incident
from alertwhisperer.domain.instant import tolerant
from alertwhisperer.engine import verbs
from alertwhisperer.engine.verbs import Verb

routes = Routes("incidents")

LongText = Annotated[str, Meta(max_length=10_000)]


class Assignment(InCompany, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """To whom; null for nobody."""

    user_id: str | None


class Escalation(InCompany, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why it goes one level up."""

    reason: LongText = ""


class Resolution(InCompany, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was done, and what it was."""

    notes: LongText = ""
    cause: LongText = ""


class Merge(InCompany, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The incident that takes this one in."""

    into: str


class Split(InCompany, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Alerts that become an incident of their own."""

    alert_ids: list[str]
    title: Annotated[str, Meta(max_length=300)] = ""


class Snooze(InCompany, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Until when (ISO-8601); null wakes it."""

    until: str | None


class Note(InCompany, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For staff only."""

    text: LongText


class Title(InCompany, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A better name."""

    title: str


@dataclass(frozen=True, slots=True)
class _Incident:
    """The incident that a request is about, and who asks: the frame of every verb's route."""

    house: Served
    caller: Session
    id: str

    async def do(self, body: InCompany, verb: Verb) -> Answer[Incident]:
        """Do the verb, if the incident is as the caller's `If-Match` saw it, once for its `Idempotency-Key`."""
        scope, caller = await self.caller.scope(body.company_id), self.caller
        after = await self.house.incidents.do(scope, self.id, verb, if_revision=caller.if_revision, once=caller.once)
        return tagged(caller, after)


async def _incident(house: House, caller: Caller, incident_id: str) -> _Incident:
    return _Incident(house, caller, incident_id)


OnIncident = Annotated[_Incident, Depends(_incident)]


@routes.on("POST", "/api/incidents/{incident_id}/acknowledge", verb="incident.acknowledge")
async def acknowledge_incident(on: OnIncident, body: InCompany) -> Answer[Incident]:
    """Say that somebody has seen it."""
    return await on.do(body, verbs.acknowledge())


@routes.on("POST", "/api/incidents/{incident_id}/assign", verb="incident.assign")
async def assign_incident(on: OnIncident, body: Assignment) -> Answer[Incident]:
    """Make it somebody's, or nobody's."""
    scope = await on.caller.scope(body.company_id)
    name = None if body.user_id is None else await on.house.users.assignee_name(scope, body.user_id)
    return await on.do(body, verbs.assign(body.user_id, name))


@routes.on("POST", "/api/incidents/{incident_id}/escalate", verb="incident.escalate")
async def escalate_incident(on: OnIncident, body: Escalation) -> Answer[Incident]:
    """Raise it one level."""
    return await on.do(body, verbs.escalate(body.reason))


@routes.on("POST", "/api/incidents/{incident_id}/resolve", verb="incident.resolve")
async def resolve_incident(on: OnIncident, body: Resolution) -> Answer[Incident]:
    """End it; its active alerts are cleared with it."""
    return await on.do(body, verbs.resolve(notes=body.notes, cause=body.cause))


@routes.on("POST", "/api/incidents/{incident_id}/reopen", verb="incident.reopen")
async def reopen_incident(on: OnIncident, body: InCompany) -> Answer[Incident]:
    """Take it up again, within the company's `reopen_hours`."""
    return await on.do(body, verbs.reopen())


@routes.on("POST", "/api/incidents/{incident_id}/merge", verb="incident.merge")
async def merge_incident(on: OnIncident, body: Merge) -> Answer[Incident]:
    """Put it into another of the same company; answers with the one that remains."""
    return await on.do(body, verbs.merge(body.into))


@routes.on("POST", "/api/incidents/{incident_id}/split", verb="incident.split")
async def split_incident(on: OnIncident, body: Split) -> Answer[Incident]:
    """Move alerts to an incident of their own; answers with the new one."""
    return await on.do(body, verbs.split(body.alert_ids, title=body.title))


@routes.on("POST", "/api/incidents/{incident_id}/snooze", verb="incident.snooze")
async def snooze_incident(on: OnIncident, body: Snooze) -> Answer[Incident]:
    """Put it aside until an instant; null wakes it now."""
    until = None if body.until is None else tolerant(body.until)
    if until is None and body.until is not None:
        raise Invalid("must be an instant such as 2026-11-21T11:29:13Z", "until")
    return await on.do(body, verbs.snooze(until))


@routes.on("POST", "/api/incidents/{incident_id}/note", verb="incident.note")
async def add_note(on: OnIncident, body: Note) -> Answer[Incident]:
    """Write a note into its timeline, for staff only."""
    return await on.do(body, verbs.note(body.text))


@routes.on("POST", "/api/incidents/{incident_id}/undo", verb="incident.undo")
async def undo_incident(on: OnIncident, body: InCompany) -> Answer[Incident]:
    """Take back its latest verb; 409 when there is none, or something else has changed since."""
    return await on.do(body, verbs.undo())


@routes.on("POST", "/api/incidents/{incident_id}/title", verb="incident.title")
async def title_incident(on: OnIncident, body: Title) -> Answer[Incident]:
    """Give it a better name."""
    return await on.do(body, verbs.title(body.title))
