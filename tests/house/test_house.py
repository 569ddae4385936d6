"""The house's rules hold, and each lint is shown a breach that it must find."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tools import house

ROOT = Path(__file__).resolve().parents[2]
HERE = Path("engine/incidents.py")


def texts(violations: object) -> list[str]:
    assert hasattr(violations, "__iter__")
    return [violation.text for violation in violations]


def test_the_code_keeps_the_house_rules() -> None:
    assert list(house.code_violations(house.PACKAGE)) == []


def test_no_lock_names_a_host() -> None:
    assert list(house.lock_violations(ROOT)) == []


@pytest.mark.parametrize(
    "source",
    [
        "async def acknowledge(incident_id: str) -> None: ...",
        "async def acknowledge(incident_id: str, scope: Scope) -> None: ...",
        "async def acknowledge(scope) -> None: ...",
        "async def acknowledge() -> None: ...",
        "class Incidents:\n    async def acknowledge(self, incident_id: str) -> None: ...",
    ],
)
def test_an_operation_without_scope_first_is_found(source: str) -> None:
    found = texts(house.scope_first(HERE, ast.parse(source)))
    assert found == ["acknowledge must take a Scope as first argument"]


@pytest.mark.parametrize(
    "source",
    [
        "async def acknowledge(scope: Scope, incident_id: str) -> None: ...",
        "async def newest(scopes: Scopes) -> None: ...",
        "async def acknowledge(scope: 'Scope') -> None: ...",
        "async def acknowledge(scope: domain.scope.Scope) -> None: ...",
        "async def _load(incident_id: str) -> None: ...",
        "def rank(incident: Incident) -> int: ...",
        "class Incidents:\n    async def acknowledge(self, scope: Scope) -> None: ...",
        "class _Cache:\n    async def fill(self) -> None: ...",
    ],
)
def test_scoped_private_and_plain_functions_are_let_through(source: str) -> None:
    assert texts(house.scope_first(HERE, ast.parse(source))) == []


def test_only_the_named_function_of_a_module_may_make_its_own_scope() -> None:
    source = "async def receive(request: Request) -> None: ...\nasync def test(request: Request) -> None: ..."
    found = texts(house.scope_first(Path("engine/ingest.py"), ast.parse(source)))
    assert found == ["test must take a Scope as first argument"]


def test_a_write_past_the_log_is_found_in_engine_and_api(tmp_path: Path) -> None:
    for room in ("engine", "api", "storage"):
        (tmp_path / room).mkdir()
        (tmp_path / room / "state.py").write_text("def f(db):\n    return db.update_one\n")
    found = list(house.code_violations(tmp_path))
    assert [v.path.parent.name for v in found] == ["engine", "api"]
    assert found[0].line == 2


def test_only_named_infrastructure_may_go_without_scope(tmp_path: Path) -> None:
    (tmp_path / "engine").mkdir()
    for name in ("runner.py", "incidents.py"):
        (tmp_path / "engine" / name).write_text("async def run() -> None: ...\n")
    assert [v.path.name for v in house.code_violations(tmp_path)] == ["incidents.py"]


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://packages.example/simple",
        "--extra-index-url=//packages.example",
        "--find-links ./wheels",
        "thing @ https://packages.example/thing-1.0-py3-none-any.whl",
    ],
)
def test_a_python_lock_with_an_index_is_found(tmp_path: Path, line: str) -> None:
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "dev.txt").write_text(f"rich==15.0.0\n{line}\n")
    assert [v.line for v in house.lock_violations(tmp_path)] == [2]


def test_an_npm_lock_with_an_address_is_found(tmp_path: Path) -> None:
    frontend = tmp_path / "frontend"
    frontend.mkdir()
    packages = {
        "": {"name": "app"},
        "node_modules/a": {"version": "1.0.0", "resolved": "https://packages.example/a.tgz"},
        "node_modules/b": {"version": "1.0.0", "funding": {"url": "https://fund.example"}},
    }
    (frontend / "package-lock.json").write_text(json.dumps({"packages": packages}))
    found = texts(house.lock_violations(tmp_path))
    assert found == ["node_modules/a records the registry it came from"]


@pytest.mark.parametrize("name", ["uv.lock", "pylock.toml", "yarn.lock"])
def test_a_kind_of_lock_that_records_hosts_is_found(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("")
    assert len(texts(house.lock_violations(tmp_path))) == 1


def test_an_npmrc_that_chooses_a_registry_is_found(tmp_path: Path) -> None:
    (tmp_path / "frontend").mkdir()
    (tmp_path / "frontend" / ".npmrc").write_text("fund=false\nregistry=https://npm.example\n")
    assert [v.line for v in house.lock_violations(tmp_path)] == [2]


def ruff_codes(source: str, name: str) -> set[str]:
    """Return the codes that the project's ruff settings give for a file of this name."""
    ruff = [sys.executable, "-m", "ruff", "check", "--output-format=json", "--no-cache"]
    done = subprocess.run(
        [*ruff, f"--stdin-filename={name}", "-"],
        input=source,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return {finding["code"] for finding in json.loads(done.stdout)}


BANNED = [
    "import os\n\nHOME = os.environ['HOME']\n",
    "import os\n\nHOME = os.getenv('HOME')\n",
    "import time\n\nNOW = time.time()\n",
    "import uuid\n\nID = uuid.uuid4()\n",
    "from uuid import uuid4\n\nID = uuid4()\n",
    "from datetime import UTC, datetime\n\nNOW = datetime.now(tz=UTC)\n",
]


@pytest.mark.parametrize("source", BANNED)
def test_time_ids_and_environment_come_in_through_the_door(source: str) -> None:
    assert "TID251" in ruff_codes(source, "src/alertwhisperer/engine/incidents.py")
    assert "TID251" not in ruff_codes(source, "src/alertwhisperer/clock.py")


def test_an_import_that_runs_upwards_is_found(tmp_path: Path) -> None:
    package = tmp_path / "alertwhisperer"
    for room, source in (("engine", ""), ("domain", "from alertwhisperer import engine\n")):
        (package / room).mkdir(parents=True)
        (package / room / "__init__.py").write_text(source)
    (package / "__init__.py").write_text("")
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"]
    done = subprocess.run(
        [*command, f"--config={ROOT / 'pyproject.toml'}", "--no-cache"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin", "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "alertwhisperer.domain -> alertwhisperer.engine" in done.stdout
