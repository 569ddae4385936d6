"""Put the built browser app into the wheel. Editable installs build nothing."""

import sys
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class BrowserAppHook(BuildHookInterface[Any]):
    """Hatchling calls `initialize` before it collects the files of a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        if version == "editable":
            return
        sys.path.insert(0, self.root)
        from tools import build_web  # noqa: PLC0415  (importable only from the project's root)

        build_web.build()
