"""DynamoDB's tables are what `schema.py` says.

After a change that is meant: `python -m tests.storage.test_render_dynamodb`.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec import json

from alertwhisperer.domain.errors import Invalid
from alertwhisperer.schema import COLLECTIONS
from alertwhisperer.storage.render_dynamodb import cloudformation, normal_prefix, table_definitions, table_name

FOLDER = Path(__file__).with_name("golden")
TEMPLATE_AT_MOST = 51_200
"""Bytes of a template that `create-stack --template-body` takes."""


def rendered() -> dict[str, str]:
    tables = json.format(json.encode(table_definitions()), indent=2).decode() + "\n"
    return {
        "dynamodb_create_table.json": tables,
        "dynamodb_tables.json": cloudformation(),
        "dynamodb_tables_provisioned.json": cloudformation(provisioned=True),
    }


@pytest.mark.parametrize("name", sorted(rendered()))
def test_what_is_rendered_is_the_golden_file(name: str) -> None:
    assert rendered()[name] == (FOLDER / name).read_text()


@pytest.mark.parametrize("name", [each for each in sorted(rendered()) if each.startswith("dynamodb_tables")])
def test_the_template_is_sound_and_small_enough_to_be_given_whole(name: str, tmp_path: Path) -> None:
    """cfn-lint has AWS's schemas with it: nothing is fetched."""
    assert (FOLDER / name).stat().st_size <= TEMPLATE_AT_MOST
    done = subprocess.run(
        [Path(sys.executable).with_name("cfn-lint"), "--regions", "us-east-1", "--", FOLDER / name],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "HOME": str(tmp_path)},
    )
    assert done.returncode == 0, done.stdout


def test_names_are_those_of_the_documents() -> None:
    assert table_name("AlertWhisperer_", "audit_logs") == "AlertWhisperer_AuditLogs"
    names = {each["TableName"] for each in table_definitions()}
    assert names == {table_name("AlertWhisperer_", each.name) for each in COLLECTIONS} | {"AlertWhisperer_System"}
    indexes = {i["IndexName"] for each in table_definitions() for i in each.get("GlobalSecondaryIndexes", [])}
    assert {"email-index", "api_key-index", "company_id-timestamp-index", "company_id-status-index"} <= indexes


def test_a_prefix_gets_its_underscore_and_is_checked() -> None:
    assert (normal_prefix("AlertWhisperer"), normal_prefix("a_")) == ("AlertWhisperer_", "a_")
    with pytest.raises(Invalid):
        normal_prefix("no spaces")


if __name__ == "__main__":
    for name, text in rendered().items():
        (FOLDER / name).write_text(text)
