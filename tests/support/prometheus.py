"""Debian's Prometheus, scraping gauges that a test sets."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.support.processes import OwnedProcess, answers, find_program, free_port

_CONFIG = """\
global:
  scrape_interval: 1s
  scrape_timeout: 1s
  evaluation_interval: 1s
rule_files: [{rules}]
alerting:
  alertmanagers:
    - static_configs: [{{targets: ["127.0.0.1:{alertmanager_port}"]}}]
scrape_configs:
  - job_name: node
    honor_labels: true
    static_configs: [{{targets: ["127.0.0.1:{exporter_port}"]}}]
"""
RULES = """\
groups:
  - name: disks
    rules:
      - alert: DiskAlmostFull
        expr: disk_used_percent > 90
        for: 0s
        labels:
          severity: critical
        annotations:
          summary: 'Disk of {{ $labels.instance }} is {{ $value }} % full'
          description: 'The root file system of {{ $labels.instance }} passed 90 %.'
          runbook_url: https://runbooks.example.com/disk-almost-full
"""


class Exporter:
    """A /metrics page with one gauge, `disk_used_percent{instance=…}`, as its test sets it."""

    def __init__(self) -> None:
        self._values: dict[str, float] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def port(self) -> int:
        return self._server.server_port

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def set_disks(self, used_percent: Mapping[str, float]) -> None:
        """Replaces what every later scrape shows: instance → percent used."""
        self._values = dict(used_percent)

    def page(self) -> str:
        rows = (f'disk_used_percent{{instance="{instance}"}} {value}' for instance, value in self._values.items())
        return "\n".join(["# TYPE disk_used_percent gauge", *rows, ""])

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        exporter = self

        class Page(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = exporter.page().encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Scrapes are not worth a line."""

        return Page


@dataclass
class Prometheus:
    """A running Prometheus with one rule that fires at the first evaluation."""

    folder: Path
    exporter_port: int
    alertmanager_port: int
    port: int = field(default_factory=free_port)
    process: OwnedProcess = field(init=False)

    def __post_init__(self) -> None:
        program = find_program("prometheus", variable="ALERTWHISPERER_PROMETHEUS", package="prometheus")
        self.process = OwnedProcess(
            argv=[
                str(program),
                f"--config.file={self.folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={self.folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{self.port}",
                f"--web.external-url={self.url}",
                "--rules.alert.resend-delay=1s",
                "--log.level=warn",
            ],
            folder=self.folder,
            name="prometheus",
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        rules = self.folder / "rules.yml"
        rules.write_text(RULES)
        config = _CONFIG.format(
            rules=rules,
            alertmanager_port=self.alertmanager_port,
            exporter_port=self.exporter_port,
        )
        (self.folder / "prometheus.yml").write_text(config)
        self.process.start()
        self.process.wait_until(lambda: answers(f"{self.url}/-/ready"), seconds=20)

    def stop(self) -> None:
        self.process.stop()
