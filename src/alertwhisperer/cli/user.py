"""`alertwhisperer user`: people, from the machine itself."""

from typing import Annotated

import typer

from alertwhisperer.cli.houses import company_named, everything, table, with_house
from alertwhisperer.domain.errors import Invalid, NotFound
from alertwhisperer.domain.scope import Role
from alertwhisperer.domain.user import ROLES, User
from alertwhisperer.engine.users import NewUser
from alertwhisperer.house import House

commands = typer.Typer(help="List, create and rescue users.", no_args_is_help=True)


@commands.command("list")
def list_users() -> None:
    """Show who can sign in."""

    async def work(house: House) -> None:
        users = await house.users.visible(await everything(house))
        rows = [(each.email, each.name, each.role, "yes" if each.active else "no") for each in users]
        table(rows, ("E-MAIL", "NAME", "ROLE", "ACTIVE"))

    with_house(work)


@commands.command()
def create(
    email: Annotated[str, typer.Argument(help="The address to sign in with.")],
    role: Annotated[str, typer.Option(help="client, technician, company_admin or msp_admin.")] = "technician",
    name: Annotated[str, typer.Option(help="How others see this person; the address if left out.")] = "",
    company: Annotated[list[str] | None, typer.Option(help="A company's id or name; may be repeated.")] = None,
) -> None:
    """Add a user; prints the password once."""

    async def work(house: House) -> None:
        ids = [(await company_named(house, each)).id for each in company or []]
        new = NewUser(email=email, name=name or email, role=_role(role), company_ids=ids)
        user, password = await house.users.create(await everything(house), new)
        typer.echo(f"{user.email}  {password}")

    with_house(work)


@commands.command()
def reset(email: Annotated[str, typer.Argument(help="Whose password is lost.")]) -> None:
    """Make a new password, print it once, and end every session of that user."""

    async def work(house: House) -> None:
        found = await house.storage.select(User, {"email": email.strip().lower()}, limit=1)
        if not found:
            raise NotFound(f"there is no user {email} (alertwhisperer user list shows all)")
        password = await house.users.reset_password(await everything(house), found[0].id)
        typer.echo(f"{found[0].email}  {password}")

    with_house(work)


def _role(text: str) -> Role:
    for role in ROLES:
        if role == text:
            return role
    raise Invalid(f"the role must be one of {', '.join(ROLES)}", "role")
