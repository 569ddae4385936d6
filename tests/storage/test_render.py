"""What is rendered is what `schema.py` says. After a change that is meant: `python -m tests.storage.test_render`."""

import json
import sqlite3
from pathlib import Path

from alertwhisperer.schema import COLLECTIONS, Collection, Index
from alertwhisperer.storage.render import sqlite_ddl
from alertwhisperer.storage.render_mongodb import mongodb_indexes

GOLDEN = Path(__file__).with_name("golden") / "sqlite.sql"
GOLDEN_MONGODB = Path(__file__).with_name("golden") / "mongodb.json"


def rendered() -> str:
    return "".join(f"{statement};\n" for statement in sqlite_ddl())


def rendered_mongodb() -> str:
    return json.dumps(mongodb_indexes(), indent=1) + "\n"


def test_mongodb_indexes_are_the_golden_ones() -> None:
    assert rendered_mongodb() == GOLDEN_MONGODB.read_text()


def test_the_ddl_is_the_golden_one() -> None:
    assert rendered() == GOLDEN.read_text()


def test_the_ddl_makes_every_collection_and_index() -> None:
    connection = sqlite3.connect(":memory:")
    connection.executescript(rendered())
    made = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE sql IS NOT NULL")}
    connection.close()
    wanted = {collection.name for collection in COLLECTIONS}
    wanted |= {f"{collection.name}.{index.name}" for collection in COLLECTIONS for index in collection.indexes}
    assert made == wanted


def test_names_and_values_are_quoted() -> None:
    odd = Collection(
        name="order", document=COLLECTIONS[0].document, key=("group",), indexes=(Index("by-it's", ("select",)),)
    )
    connection = sqlite3.connect(":memory:")
    for statement in sqlite_ddl((odd,)):
        connection.execute(statement)
    connection.close()


if __name__ == "__main__":
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_text(rendered())
    GOLDEN_MONGODB.write_text(rendered_mongodb())
