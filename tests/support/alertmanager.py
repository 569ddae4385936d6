"""Debian's Alertmanager, with one webhook receiver."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.support.processes import OwnedProcess, answers, find_program, free_port

_CONFIG = """\
route:
  receiver: alert-whisperer
  group_by: [{group_by}]
  group_wait: {group_wait}
  group_interval: {group_interval}
  repeat_interval: {repeat_interval}
receivers:
  - name: alert-whisperer
    webhook_configs:
      - url: {url}
        send_resolved: true
        max_alerts: {max_alerts}
"""
_AUTHORIZATION = """\
        http_config:
          authorization:
            type: Bearer
            credentials: {credentials}
"""
_NO_RECEIVER = """\
route: {receiver: nobody, group_by: [alertname, instance]}
receivers: [{name: nobody}]
"""


@dataclass(frozen=True)
class Route:
    """How the one receiver is notified; durations in Prometheus' notation."""

    url: str
    group_by: Sequence[str] = ("alertname",)
    group_wait: str = "0s"
    group_interval: str = "1s"
    repeat_interval: str = "2s"
    max_alerts: int = 0
    bearer: str | None = None

    def render(self) -> str:
        config = _CONFIG.format(
            url=self.url,
            group_by=", ".join(self.group_by),
            group_wait=self.group_wait,
            group_interval=self.group_interval,
            repeat_interval=self.repeat_interval,
            max_alerts=self.max_alerts,
        )
        if self.bearer is not None:
            config += _AUTHORIZATION.format(credentials=self.bearer)
        return config


@dataclass
class Alertmanager:
    """A running Alertmanager, alone in its cluster; without a route it notifies nobody."""

    folder: Path
    route: Route | None = None
    port: int = field(default_factory=free_port)
    process: OwnedProcess = field(init=False)

    def __post_init__(self) -> None:
        program = find_program(
            "prometheus-alertmanager",
            variable="ALERTWHISPERER_ALERTMANAGER",
            package="prometheus-alertmanager",
        )
        config = self.folder / "alertmanager.yml"
        self.process = OwnedProcess(
            argv=[
                str(program),
                f"--config.file={config}",
                f"--storage.path={self.folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{self.port}",
                f"--web.external-url={self.url}",
                "--cluster.listen-address=",
                "--log.level=warn",
            ],
            folder=self.folder,
            name="alertmanager",
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        config = self.route.render() if self.route else _NO_RECEIVER
        (self.folder / "alertmanager.yml").write_text(config)
        self.process.start()
        self.process.wait_until(lambda: answers(f"{self.url}/-/ready"), seconds=15)

    def stop(self) -> None:
        self.process.stop()

    def post_alerts(self, alerts: Sequence[object]) -> None:
        """Posts alerts to its v2 API, as Prometheus does."""
        httpx.post(f"{self.url}/api/v2/alerts", json=list(alerts)).raise_for_status()
