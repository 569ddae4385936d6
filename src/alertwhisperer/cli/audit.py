"""`alertwhisperer audit`: proving the audit chains."""

from typing import Annotated

import typer

from alertwhisperer.cli.houses import company_named, everything, with_house
from alertwhisperer.domain.scope import MSP, SYSTEM, Scope
from alertwhisperer.house import House

commands = typer.Typer(help="The audit chain of each company and of the MSP.", no_args_is_help=True)


@commands.command()
def verify(
    company: Annotated[
        str | None, typer.Option(help="A company's id or name; all and the MSP's own if left out.")
    ] = None,
) -> None:
    """Follow the chains from their beginning to the head that the log knows; exit code 1 if one is broken.

    Keep the printed heads elsewhere: who holds an old one can tell whether history was rewritten since.
    """

    async def work(house: House) -> bool:
        ids = [(await company_named(house, company)).id] if company else [MSP, *(await everything(house)).company_ids]
        results = [(each, await house.audit.verify(Scope(each, SYSTEM))) for each in ids]
        for company_id, result in results:
            sign = "✓" if result.ok else "✗"
            fault = "" if result.ok else f", broken at {result.first_bad}"
            typer.echo(f"{sign} {company_id}: {result.checked} entries{fault}, head {result.head or '-'}")
        return all(result.ok for _, result in results)

    if not with_house(work):
        raise typer.Exit(1)
