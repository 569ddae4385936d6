"""Install what the end-to-end tests need from Debian, or print how to.

Chromium shows the pages; Prometheus and Alertmanager are the real monitoring tools that send. Root
on Debian or Ubuntu gets what is missing; anybody else is told, and those tests skip themselves
(unless ALERTWHISPERER_REQUIRE_REAL=1).
"""

import os
import shutil
import subprocess
from pathlib import Path

PROGRAMS = {
    "chromium": "chromium",
    "prometheus": "prometheus",
    "prometheus-alertmanager": "prometheus-alertmanager",
}
FONTS = {
    "fonts-dejavu-core": Path("/usr/share/fonts/truetype/dejavu"),
    "fonts-liberation": Path("/usr/share/fonts/truetype/liberation"),
}


def missing() -> list[str]:
    """Return the Debian packages whose program or font is not on this machine."""
    programs = [package for program, package in PROGRAMS.items() if shutil.which(program) is None]
    if not Path("/usr/share/fonts").is_dir() and shutil.which("apt-get") is None:
        return programs
    return programs + [package for package, folder in FONTS.items() if not folder.is_dir()]


def install(packages: list[str]) -> bool:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    steps = (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-qq", "-y", "--no-install-recommends", *packages],
    )
    return all(
        subprocess.run(step, env=environment, stdin=subprocess.DEVNULL, check=False).returncode == 0 for step in steps
    )


def main() -> None:
    packages = missing()
    if not packages:
        return
    can_install = shutil.which("apt-get") is not None and os.geteuid() == 0
    if can_install:
        print(f"installing for the tests: {' '.join(packages)}")
        if install(packages):
            return
    print(
        "The end-to-end tests want programs that are not here; without them those tests skip.\n"
        f"  sudo apt-get install --no-install-recommends {' '.join(packages)}"
    )


if __name__ == "__main__":
    main()
