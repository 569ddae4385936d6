"""Dockerfile and compose.yaml are sound: linted, and true to what they speak of. Nothing here runs a container."""

import base64
import fnmatch
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from compose_spec import PyCompose

from alertwhisperer.settings import SECRET_FIELDS, Settings, load_settings
from tools.notices import PYTHON_LIST, pinned

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
LINES = re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE)).splitlines()
STAGES = "\n".join(LINES).split("\nFROM ")
SETTINGS = {name.upper() for name in Settings.model_fields}
NOT_OURS = {"PATH", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "PIP_DISABLE_PIP_VERSION_CHECK", "PIP_NO_INPUT"}
KEY = base64.b64encode(bytes(32)).decode()
SECRETS = {"JWT_SECRET": "s" * 48, "ENCRYPTION_KEYS": f"k1:{KEY}", "AUDIT_KEY": KEY}


def told(instruction: str, lines: list[str]) -> list[str]:
    """What follows an instruction, once for each time it is given."""
    return [line.removeprefix(f"{instruction} ") for line in lines if line.startswith(f"{instruction} ")]


def variables(lines: list[str]) -> dict[str, str]:
    """What ENV sets."""
    return dict(each.split("=", 1) for env in told("ENV", lines) for each in env.split())


def copied() -> list[str]:
    """Paths that are copied from the checkout."""
    return [path for copy in told("COPY", LINES) if "--from" not in copy for path in copy.split()[:-1]]


def is_ignored(path: str) -> bool:
    """Whether .dockerignore keeps a path out: the last line that fits it, or a folder above it, decides."""
    ignored = False
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        pattern = line.lstrip("!").removeprefix("**/")
        parts = Path(path).parts
        tried = [path, *("/".join(parts[:n]) for n in range(1, len(parts)))]
        if line.startswith("**/"):
            tried += list(parts)
        if line and line[0] != "#" and any(fnmatch.fnmatch(each, pattern) for each in tried):
            ignored = line[0] != "!"
    return ignored


@contextmanager
def answering(path: str) -> Iterator[int]:
    """The port of a server that knows one path."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == path else 404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = compose()["services"]
    return found


def parsed() -> PyCompose:
    return PyCompose.from_yaml((ROOT / "compose.yaml").read_text(encoding="utf-8"))


def compose() -> dict[str, Any]:
    found: dict[str, Any] = parsed().to_dict()
    return found


def filled(environment: dict[str, str], given: dict[str, str]) -> dict[str, str]:
    """As `docker compose` puts variables in: `${NAME:?why}` is a must, `${NAME:-else}` may be left out."""

    def value(match: re.Match[str]) -> str:
        name, kind, rest = match.groups()
        return given[name] if kind == "?" else given.get(name, rest)

    return {name: re.sub(r"\$\{(\w+):([?-])(.*?)\}", value, text) for name, text in environment.items()}


# ---------------------------------------------------------------- Dockerfile


def test_hadolint_finds_nothing() -> None:
    program = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([program, str(ROOT / "Dockerfile")], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_hadolint_would_find_something(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM python:latest\nRUN cd /tmp && pip install httpx\n")
    program = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([program, str(tmp_path / "Dockerfile")], capture_output=True, text=True, check=False)
    assert done.returncode != 0


def test_every_stage_is_pythons_slim_image_and_names_no_host() -> None:
    assert {each.split()[0] for each in told("FROM", LINES)} == {"python:3.11-slim"}
    assert "://" not in DOCKERFILE.replace("http://127.0.0.1", "")


def test_what_is_copied_is_there_and_let_through() -> None:
    assert {*copied()} >= {"src", "tools", "frontend", "pyproject.toml", "hatch_build.py"}
    for path in copied():
        assert (ROOT / path).exists(), path
        assert not is_ignored(path), path


def test_what_the_wheel_is_built_from_is_copied() -> None:
    assert str(PYTHON_LIST.relative_to(ROOT)) in copied()
    readme, licence = "README.md", "LICENSE"
    for named in (readme, licence):
        assert f'"{named}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
        assert named in copied()


@pytest.mark.parametrize(
    "path",
    [".env", ".git/config", "data/alertwhisperer.db", "src/.env", "src/x/__pycache__/y.pyc", "tests/conftest.py"],
)
def test_secrets_data_and_history_stay_outside(path: str) -> None:
    assert is_ignored(path)


def test_everything_is_installed_from_the_locks() -> None:
    for install in re.findall(r"pip install[^&]*", "\n".join(LINES)):
        assert re.search(r'--require-hashes -r "?requirements/', install) or "--no-deps --no-index" in install


@pytest.mark.parametrize("kind", ["runtime", "dynamodb"])
def test_each_kind_of_image_has_a_lock(kind: str) -> None:
    assert told("ARG", LINES) == ["REQUIREMENTS=runtime"]
    assert f"requirements/{kind}.txt" in copied()


def test_the_image_for_dynamodb_has_all_that_the_other_has_and_the_driver_that_is_tested() -> None:
    runtime, dynamodb, dev = (
        pinned((ROOT / f"requirements/{name}.txt").read_text(encoding="utf-8"))
        for name in ("runtime", "dynamodb", "dev")
    )
    assert runtime.items() <= dynamodb.items()
    assert {name: dynamodb[name] for name in ("aiobotocore", "botocore")}.items() <= dev.items()


def test_the_image_runs_as_nobody_and_asks_its_own_health() -> None:
    final = STAGES[-1].splitlines()
    assert told("USER", final) == ["10001:10001"]
    assert "useradd --system --uid 10001" in STAGES[-1]
    [health] = told("HEALTHCHECK", final)
    assert "/healthz" in health
    assert 'add_route("/healthz"' in (ROOT / "src/alertwhisperer/app.py").read_text(encoding="utf-8")
    assert told("EXPOSE", final) == [str(Settings.model_fields["port"].default)]


def test_the_health_check_tells_life_from_death() -> None:
    [health] = told("HEALTHCHECK", STAGES[-1].splitlines())
    _, option, program = json.loads(health.partition(" CMD ")[2])

    def asked(port: int) -> int:
        return subprocess.run([sys.executable, option, program], env={"PORT": str(port)}, check=False).returncode

    with answering("/healthz") as port:
        assert asked(port) == 0
    with answering("/elsewhere") as port:
        assert asked(port) != 0


def test_what_the_image_sets_are_settings() -> None:
    own = variables(LINES).keys() - NOT_OURS
    assert own == {"HOST", "PORT", "LOG_FORMAT", "SQLITE_PATH"}
    assert own <= SETTINGS


def test_data_lies_in_the_volume() -> None:
    [volume] = told("VOLUME", LINES)
    assert variables(LINES)["SQLITE_PATH"].startswith(f"{volume}/")
    assert told("WORKDIR", STAGES[-1].splitlines()) == [volume]


# ---------------------------------------------------------------- compose.yaml


def test_compose_is_as_its_specification_says() -> None:
    parsed().validate()


def test_a_key_that_compose_does_not_know_would_be_found() -> None:
    with pytest.raises(ValueError, match="helthcheck"):
        PyCompose.from_yaml("services: {one: {image: x, helthcheck: {}}}")


def test_the_product_starts_with_what_compose_gives_it(
    services: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environment = services["alertwhisperer"]["environment"]
    assert environment.keys() <= SETTINGS
    monkeypatch.chdir(tmp_path)
    for name, value in filled(environment, SECRETS).items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    assert settings.database_type == "mongodb"
    assert settings.mongo_url is not None
    assert settings.mongo_url.get_secret_value().startswith("mongodb://mongodb:27017/")
    assert settings.secrets().jwt_secret == SECRETS["JWT_SECRET"]


def test_secrets_are_asked_for_and_not_baked_in(services: dict[str, Any]) -> None:
    environment = services["alertwhisperer"]["environment"]
    for name in map(str.upper, SECRET_FIELDS):
        assert environment[name].startswith(f"${{{name}:?")
        assert name not in DOCKERFILE
    with pytest.raises(KeyError):
        filled(environment, {})


def test_the_database_is_a_replica_set_that_only_the_product_reaches(services: dict[str, Any]) -> None:
    mongodb, product = services["mongodb"], services["alertwhisperer"]
    name = re.search(r"replicaSet=(\w+)", product["environment"]["MONGO_URL"])
    assert name is not None
    assert mongodb["command"][:2] == ["--replSet", name[1]]
    assert f'rs.initiate({{_id: "{name[1]}"' in mongodb["healthcheck"]["test"][-1]
    assert "ports" not in mongodb
    assert mongodb["networks"] == ["database"]
    assert compose()["networks"]["database"] == {"internal": True}
    assert product["depends_on"] == {"mongodb": {"condition": "service_healthy"}}
    assert {volume.split(":")[0] for volume in mongodb["volumes"]} <= compose()["volumes"].keys()


def test_the_product_is_kept_in_bounds(services: dict[str, Any]) -> None:
    product = services["alertwhisperer"]
    assert product["read_only"] is True
    assert product["cap_drop"] == ["ALL"]
    assert product["security_opt"] == ["no-new-privileges:true"]
    assert all(port.startswith("127.0.0.1:") for port in product["ports"])
    assert told("VOLUME", LINES)[0] == product["volumes"][0].split(":")[1]
