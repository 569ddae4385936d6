"""Write the hash-locked requirement files: `make lock`, or `make lock UPGRADE=1`.

A lock holds names, versions and hashes, never the address of a registry, so that it installs from
whichever index or mirror the reader's own pip is set to.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from tools.build_web import FRONTEND, ROOT, node_home, npm, run

REQUIREMENTS = ROOT / "requirements"
HEADER = "# Locked from pyproject.toml by `make lock`; do not edit.\n"
LOCKS: dict[str, tuple[str, ...]] = {
    "runtime.txt": ("pyproject.toml",),
    # All of runtime.txt, and the driver that an image for AWS needs.
    "dynamodb.txt": ("pyproject.toml", "--extra", "dynamodb", "--constraint", "requirements/runtime.txt"),
    "build.txt": ("--group", "build", "--constraint", "requirements/runtime.txt"),
    "dev.txt": (
        "--group",
        "dev",
        "--constraint",
        "requirements/runtime.txt",
        "--constraint",
        "requirements/build.txt",
    ),
}


def uv() -> str:
    """Return the uv of this environment, else the one on PATH."""
    beside = Path(sys.executable).parent / "uv"
    found = str(beside) if beside.exists() else shutil.which("uv")
    if found is None:
        sys.exit("uv is not installed: run `make lock`, which installs it first.")
    return found


def compile_lock(name: str, sources: tuple[str, ...], extra: list[str]) -> None:
    target = REQUIREMENTS / name
    subprocess.run(
        [
            uv(),
            "pip",
            "compile",
            *sources,
            *extra,
            "--quiet",
            "--universal",
            "--python-version=3.11",
            "--generate-hashes",
            "--no-emit-index-url",
            "--no-emit-find-links",
            "--no-header",
            f"--output-file={target}",
        ],
        cwd=ROOT,
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    body = target.read_text(encoding="utf-8")
    target.write_text(HEADER + body.removeprefix(HEADER), encoding="utf-8")


def lock_browser_app(extra: list[str]) -> None:
    if not FRONTEND.is_dir():
        return
    home = node_home()
    verb = "update" if "--upgrade" in extra else "install"
    run([*npm(home), verb, "--package-lock-only", "--ignore-scripts"], FRONTEND, home)
    print("locked frontend/package-lock.json")


def main(arguments: list[str]) -> None:
    for name, sources in LOCKS.items():
        compile_lock(name, sources, arguments)
        print(f"locked requirements/{name}")
    lock_browser_app(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
