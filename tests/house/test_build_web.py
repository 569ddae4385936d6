"""The browser app is built when its sources changed, by one Node, and never otherwise."""

import json
from pathlib import Path

import pytest

from tools import build_web, notices

NODE = """#!/bin/sh
# Stands in for Node: notes how it was called, and leaves what npm and vite would leave.
echo "$@" >> "{calls}"
case "$1" in
  */npm-cli.js) mkdir -p node_modules/react && cp package.json node_modules/react/ \
    && echo "MIT, by the authors of react" > node_modules/react/LICENSE ;;
  */vite.js) [ -f src/broken ] && exit 3; mkdir -p "$4" && cp src/main.tsx "$4/index.html" ;;
esac
"""


class App:
    """A small browser app, its output, and a Node that is only there by its absolute path."""

    def __init__(self, folder: Path) -> None:
        self.frontend = folder / "frontend"
        self.output = folder / "web"
        self.home = folder / "node"
        self._calls = folder / "calls"
        (self.frontend / "src").mkdir(parents=True)
        (self.home / "bin").mkdir(parents=True)
        node = self.home / "bin" / "node"
        node.write_text(NODE.format(calls=self._calls))
        node.chmod(0o755)
        self.write("src/main.tsx", "first")
        self.write("package.json", json.dumps({"name": "app", "license": "MIT"}))
        packages = {
            "": {"name": "app"},
            "node_modules/react": {"version": "19.3.1"},
            "node_modules/vite": {"version": "8.3.8", "dev": True},
        }
        self.write("package-lock.json", json.dumps({"packages": packages}))

    def write(self, name: str, text: str) -> None:
        path = self.frontend / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def build(self) -> bool:
        return build_web.build(self.frontend, self.output, self.home)

    def steps(self) -> list[str]:
        """Return what Node was asked to do so far: install, build."""
        calls = self._calls.read_text().splitlines()
        return ["install" if "npm-cli.js ci" in call else "build" for call in calls]


@pytest.fixture
def app(tmp_path: Path) -> App:
    return App(tmp_path)


def test_the_first_build_installs_and_the_second_does_nothing(app: App) -> None:
    assert app.build() is True
    assert app.build() is False
    assert app.steps() == ["install", "build"]
    assert (app.output / "index.html").read_text() == "first"


def test_a_changed_source_is_built_without_installing_again(app: App) -> None:
    app.build()
    app.write("src/main.tsx", "second")
    assert app.build() is True
    assert app.steps() == ["install", "build", "build"]
    assert (app.output / "index.html").read_text() == "second"


def test_a_changed_lock_installs_again(app: App) -> None:
    app.build()
    app.write("package-lock.json", json.dumps({"packages": {}}))
    assert app.build() is True
    assert app.steps() == ["install", "build", "install", "build"]


@pytest.mark.parametrize("name", ["src/main.test.tsx", "node_modules/react/index.js", ".cache/vite", "coverage/a.html"])
def test_what_the_build_does_not_read_does_not_start_one(app: App, name: str) -> None:
    app.build()
    app.write(name, "changed")
    assert app.build() is False


def test_a_removed_output_is_built_again(app: App) -> None:
    app.build()
    (app.output / build_web.STAMP).unlink()
    assert app.build() is True


def test_a_failed_build_says_which_step_and_is_tried_again(app: App) -> None:
    app.write("src/broken", "")
    with pytest.raises(build_web.BuildError, match=r"failed with 3: .*vite\.js build"):
        app.build()
    (app.frontend / "src" / "broken").unlink()
    assert app.build() is True


def test_the_notices_hold_the_licence_texts_of_what_is_shipped_and_only_of_that(app: App) -> None:
    app.build()
    text = (app.output / notices.NAME).read_text()
    assert "react 19.3.1\n\nMIT, by the authors of react" in text
    assert "vite" not in text
    assert "fastapi " in text
