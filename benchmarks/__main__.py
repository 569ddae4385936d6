"""`python -m benchmarks [ingest|live|storage|migration|cost|engines] [--long] [--json FILE]`."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks import cost, engines, ingest, live, migration, storage
from benchmarks.report import write_json

_PARTS = {
    "ingest": ingest.run,
    "live": live.run,
    "storage": storage.run,
    "migration": migration.run,
    "cost": cost.run,
    "engines": engines.run,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*_PARTS, []], help="default: all")
    parser.add_argument("--long", action="store_true", help="also what takes many minutes")
    parser.add_argument("--json", type=Path, help="write the results to this file too")
    arguments = parser.parse_args()
    reports = [_PARTS[part](long=arguments.long) for part in arguments.parts or _PARTS]
    if arguments.json is not None:
        write_json(reports, arguments.json)


if __name__ == "__main__":
    main()
