"""The browser app is served from the files of the build, and from nothing else."""

from pathlib import Path

import httpx
import pytest

from alertwhisperer.api.web import CSP, Web


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    build = tmp_path / "web"
    (build / "assets").mkdir(parents=True)
    (build / "index.html").write_text("<!doctype html><title>Alert Whisperer</title>")
    (build / "assets" / "app-1a2b.js").write_text("console.info(1);" * 100)
    (build / ".built-from").write_text("stamp")
    (build / ".vite").mkdir()
    (build / ".vite" / "manifest.json").write_text("stamp")
    (tmp_path / "secret.txt").write_text("hunter2")
    return build


def client(folder: Path) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(Web(folder)), base_url="http://test")


@pytest.mark.parametrize("path", ["/", "/incidents", "/incidents/0190-abc", "/companies/1/settings"])
async def test_every_path_that_the_app_routes_gets_its_page(folder: Path, path: str) -> None:
    answer = await client(folder).get(path)

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["content-security-policy"] == CSP
    assert answer.headers["cache-control"] == "no-cache"


async def test_a_hashed_file_is_kept_for_ever_and_sent_compressed(folder: Path) -> None:
    answer = await client(folder).get("/assets/app-1a2b.js")

    assert answer.headers["content-encoding"] == "gzip"
    assert "immutable" in answer.headers["cache-control"]
    assert answer.text.startswith("console.info")


async def test_an_unchanged_page_is_not_sent_again(folder: Path) -> None:
    first = await client(folder).get("/")
    again = await client(folder).get("/", headers={"If-None-Match": first.headers["etag"]})

    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "path", ["/../secret.txt", "/%2e%2e/secret.txt", "/assets/../../secret.txt", "/.built-from", "/.vite/manifest.json"]
)
async def test_nothing_outside_the_build_is_ever_sent(folder: Path, path: str) -> None:
    answer = await client(folder).get(path)

    assert "hunter2" not in answer.text
    assert answer.text != "stamp"


@pytest.mark.parametrize("path", ["/api/nothing", "/assets/gone-9z.js"])
async def test_what_is_no_page_is_not_found(folder: Path, path: str) -> None:
    answer = await client(folder).get(path)

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_page_cannot_be_posted_to(folder: Path) -> None:
    assert (await client(folder).post("/incidents")).status_code == 405


async def test_without_a_build_one_page_says_how_to_make_it(tmp_path: Path) -> None:
    answer = await client(tmp_path / "missing").get("/")

    assert answer.status_code == 200
    assert "make run" in answer.text
