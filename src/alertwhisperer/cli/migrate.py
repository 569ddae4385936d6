"""`alertwhisperer db migrate` and what belongs to it: from one engine to another, while the product runs."""

import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Literal, TypeVar

import typer
from msgspec import Struct, json, to_builtins

from alertwhisperer import logs
from alertwhisperer.cli.progress import Bar
from alertwhisperer.cli.servers import expect_many_documents
from alertwhisperer.clock import SystemClock, SystemIds
from alertwhisperer.domain.errors import Invalid
from alertwhisperer.domain.transfer import Failure
from alertwhisperer.house import keep_days
from alertwhisperer.settings import Settings, load_settings
from alertwhisperer.storage.transfer import Mover
from alertwhisperer.storage.transfer_back import WayBack
from alertwhisperer.storage.transfer_handover import Means, Outcome, Side
from alertwhisperer.storage.transfer_state import transfer_of
from alertwhisperer.storage.transfer_verify import Comparison
from alertwhisperer.storage.urls import dynamodb_url, engine_of, open_database, redacted

T = TypeVar("T")
Step = Literal["copy", "switch", "back", "finish", "abort"]

From = Annotated[str, typer.Option("--from", metavar="URL", help="The database to move; default: MONGO_URL.")]
To = Annotated[
    str, typer.Option("--to", metavar="URL", help="Where to; default: DynamoDB, by AWS_REGION and its table prefix.")
]
Json = Annotated[bool, typer.Option("--json", help="Print the outcome as JSON, and nothing else.")]


class Both(Struct, frozen=True):
    """Two open databases."""

    source: Side
    target: Side
    means: Means
    engines: tuple[str, str]

    @property
    def mover(self) -> Mover:
        """The way there."""
        return Mover(self.source, self.target, self.means)

    @property
    def way_back(self) -> WayBack:
        """The way back."""
        return WayBack(self.source, self.target, self.means)


def migrate(
    source: From = "",
    target: To = "",
    *,
    switch: Annotated[bool, typer.Option("--switch", help="Also stop writers, verify, and hand over.")] = False,
    back: Annotated[bool, typer.Option("--back", help="After a switch: give everything back.")] = False,
    finish: Annotated[bool, typer.Option("--finish", help="After a switch: end the way back.")] = False,
    abort: Annotated[bool, typer.Option("--abort", help="Before a switch: let writers go on.")] = False,
    as_json: Json = False,
) -> None:
    """Move everything from one database to another, while servers run; docs/migration.md is the checklist.

    Without options it copies, or brings a copy up to date, as often as you like. With --switch it then stops all
    writers (they answer 503 with Retry-After), verifies, and hands over; start the servers on the target then. Until
    --finish it keeps the old database up to date as a way back; breaking that off is no harm, the same command goes on.
    Ends with 1 if a document could not be carried over.
    """
    asked: dict[Step, bool] = {"switch": switch, "back": back, "finish": finish, "abort": abort}
    steps = [step for step, wanted in asked.items() if wanted] or ["copy"]
    if len(steps) > 1:
        raise Invalid("give one of --switch, --back, --finish and --abort")
    _run(source, target, as_json, lambda both: _step(both, steps[0], as_json))


async def _step(both: Both, step: Step | str, as_json: bool) -> None:
    started = time.monotonic()
    match step:
        case "back":
            outcome = await both.way_back.take()
        case "finish":
            return await both.way_back.give_up()
        case "abort":
            return await both.mover.abort()
        case _:
            outcome = await _move(both, switch=step == "switch")
    _tell(both, outcome, time.monotonic() - started, as_json)
    if step == "switch":
        await _follow_back(both)
    if outcome.failures:
        raise typer.Exit(1)
    return None


async def _move(both: Both, *, switch: bool) -> Outcome:
    state = await transfer_of(both.target.storage)
    if switch and state is not None and state.stage == "switched" and state.source == both.source.name:
        return Outcome("switched", 0)
    return await both.mover.move(switch=switch)


async def _follow_back(both: Both) -> None:
    """Until it is finished elsewhere, or somebody ends this command."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    both.means.watch.say(f"keeping {both.source.name} up to date as a way back, until `db migrate --finish` or Ctrl-C")
    followed = await both.way_back.follow(stop)
    both.means.watch.say(f"{followed:,} records followed back")


def migrate_collection(
    name: Annotated[str, typer.Argument(help="A collection, such as alerts.")],
    source: From = "",
    target: To = "",
    as_json: Json = False,
) -> None:
    """Copy one collection as it stands, over what the target has. Follows no log: for a stopped server, or a repair."""

    async def work(both: Both) -> None:
        started = time.monotonic()
        outcome = await both.mover.copy_collection(name)
        _tell(both, outcome, time.monotonic() - started, as_json)

    _run(source, target, as_json, work)


def verify(source: From = "", target: To = "", as_json: Json = False) -> None:
    """Compare two databases, collection by collection: how many documents, and a digest of them. 1 if they differ."""

    async def work(both: Both) -> None:
        found = await both.mover.verify()
        _tell(both, Outcome("verified", 0, comparisons=found), 0.0, as_json)
        if not all(each.agrees for each in found):
            raise typer.Exit(1)

    _run(source, target, as_json, work, create=False)


def _run(source: str, target: str, as_json: bool, work: Callable[[Both], Awaitable[T]], *, create: bool = True) -> T:
    settings = load_settings()
    logs.configure("warning", settings.log_format)
    expect_many_documents()
    here, there = addresses(settings, source, target)

    async def run() -> T:
        # Ended politely, it still lifts the fence.
        if (task := asyncio.current_task()) is not None:
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        async with _both(settings, here, there, quiet=as_json, create=create) as both:
            return await work(both)

    try:
        return asyncio.run(run())
    except asyncio.CancelledError:
        raise typer.Exit(128 + signal.SIGTERM) from None


def addresses(settings: Settings, source: str, target: str) -> tuple[str, str]:
    """Both addresses, those not given from the settings."""
    mongo = settings.mongo_url.get_secret_value() if settings.mongo_url else ""
    source = source or mongo
    if not source:
        raise Invalid("give --from URL, or set MONGO_URL")
    tables = dynamodb_url(settings.aws_region, settings.dynamodb_table_prefix, settings.dynamodb_endpoint_url)
    target = target or tables
    if redacted(source) == redacted(target):
        raise Invalid("--from and --to are the same database")
    return source, target


@asynccontextmanager
async def _both(settings: Settings, source: str, target: str, *, quiet: bool, create: bool) -> AsyncIterator[Both]:
    kept, clock = keep_days(settings), SystemClock()
    engines = (engine_of(source), engine_of(target))
    opened = [
        open_database(url, keep_days=kept, clock=clock, create=make)
        for url, make in ((source, False), (target, create))
    ]
    with Bar(quiet=quiet) as bar:
        try:
            for each in opened:
                await each.open()
            here, there = (Side(redacted(url), each) for url, each in zip((source, target), opened, strict=True))
            yield Both(here, there, Means(clock, SystemIds(), kept, bar), engines)
        finally:
            for each in opened:
                await each.close()


def _tell(both: Both, outcome: Outcome, seconds: float, as_json: bool) -> None:
    if as_json:
        told = {
            "stage": outcome.stage,
            "written": outcome.written,
            "failures": to_builtins(outcome.failures),
            "seconds": round(seconds, 3),
            "documents_per_second": round(outcome.written / seconds) if seconds else 0,
            "comparisons": [_plain(each) for each in outcome.comparisons],
        }
        sys.stdout.buffer.write(json.encode(told) + b"\n")
        sys.stdout.flush()
        return
    for each in outcome.comparisons:
        _tell_comparison(both.engines, each)
    tell_failures(outcome.failures)
    if seconds:
        rate = outcome.written / seconds
        typer.echo(f"{outcome.stage}: {outcome.written:,} documents in {seconds:.1f} s ({rate:,.0f}/s)")


def tell_failures(failures: Sequence[Failure]) -> None:
    """A line for each document that could not be carried over."""
    for failure in failures:
        key = "/".join(map(str, failure.key))
        typer.secho(f"✗ {failure.collection} {key} was not carried over: {failure.why}", fg="red")


def _plain(found: Comparison) -> dict[str, object]:
    return {
        "collection": found.collection.name,
        "agrees": found.agrees,
        "source": {"count": found.source.count, "digest": str(found.source.digest)},
        "target": {"count": found.target.count, "digest": str(found.target.digest)},
        "unreadable": found.source.unreadable + found.target.unreadable,
        "strays": found.strays,
    }


def _tell_comparison(engines: tuple[str, str], found: Comparison) -> None:
    sign, colour = ("✓", "green") if found.agrees else ("✗", "red")
    said = f"{engines[0]}={found.source.count}, {engines[1]}={found.target.count}"
    digests = list(dict.fromkeys((str(found.source.digest), str(found.target.digest))))
    typer.secho(f"{sign} {found.collection.name}: {said}  {' ≠ '.join(digests)}", fg=colour)
    for key in found.source.unreadable + found.target.unreadable:
        typer.echo(f"    {key} cannot be read as one of ours")
    if found.strays:
        typer.echo(f"    {found.strays} more are of companies that {engines[0]} does not know")
