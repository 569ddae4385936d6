"""Render docs/costs.md: what AWS bills for the product on DynamoDB, from what `benchmarks.cost` has measured.

Everything that somebody may want to change is at the top: prices with their date, and the example MSPs.
"""

from __future__ import annotations

import textwrap
from datetime import date
from pathlib import Path
from typing import Final

from msgspec import Struct

from alertwhisperer.schema import COLLECTIONS
from alertwhisperer.storage.render_dynamodb import table_name
from benchmarks.cost_figures import Figures, WriteSet, load

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs" / "costs.md"

HOURS_A_MONTH: Final = 730
DAYS_A_MONTH: Final = 30
GIGABYTE: Final = 1_000_000_000
WIDTH: Final = 118


class Prices(Struct, frozen=True, kw_only=True):
    """US dollars: of a million request units, of a gigabyte and month, of a hundred thousand reads of a stream."""

    region: str
    since: date
    million_writes: float
    million_reads: float
    storage: float
    recovery: float
    stream_reads: float


PRICES: Final = Prices(
    region="us-east-1",
    since=date(2024, 11, 1),
    million_writes=0.625,
    million_reads=0.125,
    storage=0.25,
    recovery=0.20,
    stream_reads=0.02,
)


class Msp(Struct, frozen=True, kw_only=True):
    """A month's work: messages of monitoring tools a day, server processes, hours a day that browsers are open."""

    title: str
    companies: int
    messages: int
    processes: int
    browser_hours: int


MSPS: Final = (
    Msp(title="small", companies=10, messages=1_000, processes=1, browser_hours=9),
    Msp(title="middle", companies=100, messages=20_000, processes=2, browser_hours=24),
    Msp(title="large", companies=500, messages=200_000, processes=4, browser_hours=24),
)

MIX: Final = {
    "opens_day": 0.10,
    "joins": 0.10,
    "repeats": 0.25,
    "ends": 0.20,
    "storm_some": 0.05,
    "storm_repeats_some": 0.30,
}
"""Shares of the messages. What begins ends as well, and is forgotten later."""

FORGOTTEN: Final = MIX["opens_day"] + MIX["joins"] + MIX["storm_some"]

FOR_EVER_DAYS: Final = 730
"""What is kept for ever, or as long as its incident, is counted for two years."""

KEPT_DAYS: Final = {table_name("", each.name): each.keep_days or FOR_EVER_DAYS for each in COLLECTIONS}


class Month(Struct, frozen=True, kw_only=True):
    """Units and gigabytes of a month, once as much goes as comes."""

    writes: float
    reads: float
    gigabytes: float

    @property
    def dollars(self) -> dict[str, float]:
        """What each costs."""
        return {
            "writes": self.writes / 1e6 * PRICES.million_writes,
            "reads": self.reads / 1e6 * PRICES.million_reads,
            "storage": self.gigabytes * PRICES.storage,
            "point-in-time recovery": self.gigabytes * PRICES.recovery,
        }


def month(msp: Msp, figures: Figures) -> Month:
    """What an MSP's month comes to."""
    messages = msp.messages * DAYS_A_MONTH
    shares = {**MIX, "forgotten": FORGOTTEN}
    sets = {name: figures.of(name) for name in shares}
    written = sum(share * sets[name].total for name, share in shares.items())
    read = sum(share * sets[name].read for name, share in shares.items())
    idle = msp.processes * HOURS_A_MONTH * _idle(figures, "timers and counters", msp.companies)
    live = msp.processes * DAYS_A_MONTH * msp.browser_hours
    live_reads = live * _idle(figures, "live updates, browsers open", msp.companies)
    return Month(
        writes=messages * written,
        reads=messages * read + idle + live_reads,
        gigabytes=msp.messages * _kept_bytes(figures) / GIGABYTE,
    )


def _idle(figures: Figures, title: str, companies: int) -> float:
    """An hour's reads with so many companies, between what was measured with few and with many."""
    few, many = (each for each in figures.idle if each.title == title)
    slope = (many.read - few.read) / (many.companies - few.companies)
    return few.read + slope * (companies - few.companies)


def _kept_bytes(figures: Figures) -> float:
    """Bytes kept for each message a day, once as much goes as comes."""
    return sum(
        share * max(figures.of(name).stored.get(table, 0.0), 0.0) * days
        for name, share in MIX.items()
        for table, days in KEPT_DAYS.items()
    )


# ---------------------------------------------------------------- the page

PREAMBLE = """\
# What DynamoDB costs
Rendered by `make fix` from what `python -m benchmarks.cost` measured; do not edit. Prices and examples are inputs at
the top of `tools/cost_docs.py`.

**How these figures came about.** The real engine ingested alerts on AWS's DynamoDB Local; every request was billed,
where it leaves the product, by a calculator of AWS's published rules (`benchmarks/dynamodb_units.py`). Local's own
figures agree with it on plain writes, to the byte; for a transaction it counts four times the plain write, emulated,
where AWS says twice, so they are not used. Nothing ran on AWS itself. What a transaction's index entries cost, AWS's
guide does not say: they are taken to count once, as others have measured it. Conflicts between processes, which are
billed too, come on top.

"""

RULES = """\
## The rules in short
- A write unit for each KB begun of an item; in a transaction, as every commit is one, two. The larger of before and
  after counts.
- An index entry costs by what it projects (ours: keys alone, one unit); a key that changes is a delete and a put, an
  entry that stays as it was is free. Being there without the index's key is free.
- Reads go by 4 KB begun: one unit, half for an index. Documents are always read as they are now.
- Receipts and deliveries go by TTL, which is free. Alerts, incidents, the log and the audit are swept: deletes are
  writes.
- Each table has a stream. Without a reader it costs nothing, and Lambda's reads are free; anybody else's cost
  $STREAMS for 100,000.

"""

SAVED = """\
## What keeps it low
- Indexes hold keys alone, and only what is open where that is what is asked for.
- What arrives together is committed together, as many alerts as one transaction holds (90 writes): record
  and shared incidents are written once.
- Counters are folded after 100 records or an hour, not each second; readers add the rest from the log.
- Records and deliveries are compressed; small deliveries ride in their commit's record until retention archives them,
  many in one item.

- A log's head is kept nowhere, and an asset is written with its first alert of a day.
- Of an alert and its incident no empty field is written, so that each is less than 1 KB, for alerts as these are. One
  with many labels or a long message begins another KB, 2 units.

What does not go lower: a new alert is 5 units of itself, in a storm as well. It is an item, which a transaction bills
twice, and stands in three indexes: by time, as an incident's, and by its sender's key as long as it is open. Each of
these is asked for, and none leads to what another does.

While a browser is open at another process, a process writes a unit more for all that it commits within a second, and
reads half a unit. That is not in the tables.

"""

IDLE = """\
## A process that idles
Measured for some seconds, told for an hour; what happens once an hour (retention, a look at every company's counters)
is not in it. Live updates read nothing while no browser is open; with one, each log that it follows is looked at once
a minute, and sooner when another process rings. Timers stand in eight shards, each asked every five seconds.

"""


def render(figures: Figures) -> str:
    """The page."""
    parts = [
        PREAMBLE,
        "## Write units an alert\n",
        *_totals(figures),
        "\nBy item, one more for each index entry:\n\n",
        *_by_item(figures),
        "\n",
        RULES.replace("$STREAMS", f"${PRICES.stream_reads:.2f}"),
        SAVED,
        IDLE,
        *_idle_rows(figures),
        *_months(figures),
    ]
    return "".join(parts)


def _totals(figures: Figures) -> list[str]:
    rows = ["\n| traffic | units written | goal | read |\n|---|--:|--:|--:|\n"]
    for each in figures.write_sets:
        goal = "" if each.goal is None else f"{each.goal:g}{'' if each.total <= each.goal else ', missed'}"
        rows.append(f"| {each.title} | {each.total:.1f} | {goal} | {each.read:.1f} |\n")
    calm = "Calm is an alert every five minutes, each alone in its commit; a storm comes in arrays of 220."
    return [*rows, "\n", _wrapped(f"{calm} Each alert is some 390 bytes of JSON.")]


SHOWN = ("opens", "opens_day", "joins", "repeats", "ends", "storm_some", "storm_id", "storm_repeats_some", "forgotten")
ITEMS: Final = {
    "alert": "Alerts",
    "incident": "Incidents",
    "timeline": "Timeline",
    "asset": "Assets",
    "guard of its name": "System name",
    "log record": "Events",
    "raw delivery": "Deliveries",
    "receipt of a delivery id": "Receipts",
    "counters": "Metrics",
    "snapshot": "Snapshots",
    "name of a log": "System logs",
}


def _by_item(figures: Figures) -> list[str]:
    sets = [figures.of(name) for name in SHOWN]
    rows = [f"| | {' | '.join(each.title for each in sets)} |\n|---|{'--:|' * len(sets)}\n"]
    for title, table in ITEMS.items():
        rows.append(f"| {title} | {' | '.join(_cell(each, table) for each in sets)} |\n")
    unknown = {item for each in figures.write_sets for item in each.written} - _covered(figures)
    if unknown:
        raise ValueError(f"no row for {', '.join(sorted(unknown))}")
    return rows


def _cell(of: WriteSet, table: str) -> str:
    """The item's units, and those of its indexes."""
    item = of.written.get(table, 0.0)
    indexes = sum(units for name, units in of.written.items() if name.startswith(f"{table} by "))
    if not item and not indexes:
        return ""
    return f"{item:.2f} + {indexes:.2f}" if indexes else f"{item:.2f}"


def _covered(figures: Figures) -> set[str]:
    names = {name for each in figures.write_sets for name in each.written}
    return {name for name in names if name.partition(" by ")[0] in ITEMS.values()}


def _idle_rows(figures: Figures) -> list[str]:
    rows = ["| what | companies | read units an hour | $ a month |\n|---|--:|--:|--:|\n"]
    for each in figures.idle:
        dollars = each.read * HOURS_A_MONTH / 1e6 * PRICES.million_reads
        rows.append(f"| {each.title} | {each.companies} | {each.read:,.0f} | {dollars:.2f} |\n")
    return [*rows, "\n"]


def _months(figures: Figures) -> list[str]:
    months = [month(each, figures) for each in MSPS]
    rows = ["## Example months\n", _assumptions(), "\n"]
    rows += [f"| | {' | '.join(each.title for each in MSPS)} |\n|---|{'--:|' * len(MSPS)}\n"]
    rows += [
        _row("companies", [f"{each.companies:,}" for each in MSPS]),
        _row("messages of monitoring tools a day", [f"{each.messages:,}" for each in MSPS]),
        _row("server processes", [f"{each.processes}" for each in MSPS]),
        _row("hours a day with a browser open", [f"{each.browser_hours}" for each in MSPS]),
        _row("million write units", [f"{each.writes / 1e6:.1f}" for each in months]),
        _row("million read units", [f"{each.reads / 1e6:.1f}" for each in months]),
        _row("GB stored", [f"{each.gigabytes:.1f}" for each in months]),
    ]
    rows += [_row(f"{name}, $", [f"{each.dollars[name]:.2f}" for each in months]) for name in months[0].dollars]
    rows.append(_row("**together, $ a month**", [f"**{sum(each.dollars.values()):.0f}**" for each in months]))
    return [*rows, _prices()]


def _row(title: str, cells: list[str]) -> str:
    return f"| {title} | {' | '.join(cells)} |\n"


def _assumptions() -> str:
    share = {name: f"{part:.0%}" for name, part in MIX.items()}
    calm = sum(MIX[name] for name in ("opens_day", "joins", "repeats", "ends"))
    return _wrapped(
        f"Of the messages {calm:.0%} come calmly ({share['opens_day']} open an incident, {share['joins']} join one, "
        f"{share['repeats']} fire again, {share['ends']} end an alert), the rest in storms ({share['storm_some']} new "
        f"alerts, {share['storm_repeats_some']} repeats and ends). All of it is forgotten after its time; what is "
        "stored is what is there once as much goes as comes. What people read and do is not counted: a page of 100 "
        "alerts is some 100 read units."
    )


def _prices() -> str:
    return "\n" + _wrapped(
        f"**Prices**: {PRICES.region}, on demand, as AWS has had them since {PRICES.since}: "
        f"${PRICES.million_writes} for a million write units, ${PRICES.million_reads} for a million read units, "
        f"${PRICES.storage:.2f} for a GB and month, ${PRICES.recovery:.2f} more for its point-in-time recovery; "
        "standard tables, no free tier, no traffic. They were not asked of AWS: check them, and your region's, before "
        "you rely on a sum."
    )


def _wrapped(text: str) -> str:
    return textwrap.fill(text, WIDTH, break_on_hyphens=False) + "\n"


def rendered() -> dict[Path, str]:
    """The text that the rendered file must have."""
    return {DOCS: render(load())}
