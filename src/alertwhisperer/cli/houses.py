"""What commands have in common: a house opened on the configured database, beside a running server or without one."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import typer

from alertwhisperer import logs
from alertwhisperer.domain.company import Company
from alertwhisperer.domain.errors import NotFound
from alertwhisperer.domain.scope import SYSTEM, Scopes
from alertwhisperer.house import House, build
from alertwhisperer.settings import Settings, load_settings

T = TypeVar("T")


def with_house(work: Callable[[House], Awaitable[T]], settings: Settings | None = None) -> T:
    """Open the database, do the work, close it; returns what the work returns."""
    settings = settings or load_settings()
    logs.configure("warning", settings.log_format)

    async def run() -> T:
        house = build(settings)
        await house.open()
        try:
            return await work(house)
        finally:
            await house.close()

    return asyncio.run(run())


async def everything(house: House) -> Scopes:
    """The product's own scope over all companies: whoever may run commands on this machine may do everything."""
    companies = await house.storage.select(Company, {}, limit=100_000)
    return Scopes(tuple(each.id for each in companies), SYSTEM)


async def company_named(house: House, name: str) -> Company:
    """A company by id or name; NotFound says which there are."""
    companies = await house.storage.select(Company, {}, limit=100_000)
    for each in companies:
        if name in (each.id, each.name):
            return each
    known = ", ".join(sorted(each.name for each in companies)) or "none"
    raise NotFound(f"there is no company {name} (there are: {known})")


def table(rows: Sequence[tuple[str, ...]], heads: tuple[str, ...]) -> None:
    """Print rows under heads, in columns."""
    widths = [max(len(row[n]) for row in [heads, *rows]) for n in range(len(heads))]
    for row in [heads, *rows]:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
