"""Run the browser app's own checks: `python -m tools.frontend typecheck lint …`.

Each argument is a script of frontend/package.json; all run, and any failure fails the whole.
"""

import sys

from tools.build_web import FRONTEND, BuildError, install_modules, node_home, npm, run


def main(scripts: list[str]) -> None:
    if not FRONTEND.is_dir():
        print("frontend: its sources are not in this tree")
        return
    failed = []
    home = node_home()
    install_modules(FRONTEND, home, checks=True)
    for script in scripts:
        try:
            run([*npm(home), "run", "--silent", script], FRONTEND, home)
        except BuildError:
            failed.append(script)
    if failed:
        sys.exit(f"frontend: failed: {', '.join(failed)}")
    print(f"frontend: {', '.join(scripts)}: all passed")


if __name__ == "__main__":
    main(sys.argv[1:])
