"""Third-party notices: what the wheel carries (browser code) and what is installed beside it.

The browser bundle holds other people's code, so their licence texts travel with it. Python
packages are installed on their own and carry their own texts; they are listed by name.
`python -m tools.notices` renews the Python list from the installed runtime (`make lock` calls it).
"""

import json
import re
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements" / "runtime.txt"
PYTHON_LIST = ROOT / "requirements" / "runtime-licences.txt"
NAME = "THIRD_PARTY_NOTICES.txt"
LICENCE_FILE = re.compile(r"^(licen[cs]e|copying|notice)", re.IGNORECASE)
PINNED = re.compile(r"^([A-Za-z0-9_.-]+)==([^ ;\\]+)", re.MULTILINE)


def pinned(lock: str) -> dict[str, str]:
    """Return {name: version} of a requirements lock."""
    return dict(PINNED.findall(lock))


def licence_of(name: str) -> str:
    """Return the licence that an installed package declares, else where to look."""
    try:
        declared = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return "not installed on this platform; see the package"
    classifiers = [
        classifier.rsplit(" :: ", 1)[-1]
        for classifier in declared.get_all("Classifier") or []
        if classifier.startswith("License ::")
    ]
    said = [*(declared.get_all("License-Expression") or []), *(declared.get_all("License") or [])]
    short = [text for text in said if text and "\n" not in text]
    return next(iter([*short, ", ".join(classifiers)]), "") or "see the package"


def python_list(lock: str) -> str:
    return "".join(f"{name} {version}: {licence_of(name)}\n" for name, version in pinned(lock).items())


def shipped_modules(frontend: Path) -> list[tuple[str, str, Path]]:
    """Return (name, version, folder) of each npm package that the bundle may hold."""
    lock = json.loads((frontend / "package-lock.json").read_text(encoding="utf-8"))
    found = []
    for place, entry in sorted(lock["packages"].items()):
        folder = frontend / place
        if place and not entry.get("dev") and folder.is_dir():
            name = place.rsplit("node_modules/", 1)[-1]
            found.append((name, entry["version"], folder))
    return found


def licence_texts(folder: Path) -> str:
    texts = [
        path.read_text(encoding="utf-8", errors="replace").strip()
        for path in sorted(folder.iterdir())
        if path.is_file() and LICENCE_FILE.match(path.name)
    ]
    if texts:
        return "\n\n".join(texts)
    declared = json.loads((folder / "package.json").read_text(encoding="utf-8")).get("license")
    return f"Licence: {declared or 'see the package'}"


def render(frontend: Path) -> str:
    parts = [
        "Alert Whisperer is licensed under Apache-2.0. It uses the work of others.",
        "Installed beside it, each with its own licence:\n\n" + PYTHON_LIST.read_text(encoding="utf-8").strip(),
        "Part of the browser app:",
    ]
    rule = "-" * 78
    for name, version, folder in shipped_modules(frontend):
        parts.append(f"{rule}\n{name} {version}\n\n{licence_texts(folder)}")
    return "\n\n".join(parts) + "\n"


def main() -> None:
    PYTHON_LIST.write_text(python_list(LOCK.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"wrote {PYTHON_LIST.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
