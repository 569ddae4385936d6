"""Records what Debian's Alertmanager posts to a webhook, for the golden files of its source.

Run from the root of the project: `python -m tests.support.record_alertmanager`.
Ports and addresses of the machine are replaced by names of example.com; all else is as sent.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

from tests.support.alertmanager import Alertmanager, Route
from tests.support.processes import wait_for
from tests.support.prometheus import Exporter, Prometheus

GOLDEN: Final = Path(__file__).parent.parent / "sources" / "golden" / "alertmanager"
Payload = dict[str, object]


class Sink:
    """Keeps every body and its headers, and answers 200."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        sink = self

        class Keep(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                sink.headers.append(dict(self.headers.items()))
                sink.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Nothing to say."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Keep)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def next_after(self, count: int, wanted: Callable[[Payload], bool]) -> Payload:
        """The first payload after the first `count` that is as wanted."""
        found: list[Payload] = []

        def seen() -> bool:
            found[:] = [payload for payload in map(json.loads, self.bodies[count:]) if wanted(payload)]
            return bool(found)

        wait_for(seen, seconds=40, what="no such payload came")
        return found[0]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def is_firing(payload: Payload) -> bool:
    return payload["status"] == "firing"


def is_resolved(payload: Payload) -> bool:
    return payload["status"] == "resolved"


def status_by_instance(payload: Payload) -> dict[str, str]:
    alerts = payload["alerts"]
    assert isinstance(alerts, list)
    return {alert["labels"]["instance"]: alert["status"] for alert in alerts}


def write(name: str, payload: Payload) -> None:
    text = json.dumps(payload, indent=2, ensure_ascii=False)
    text = re.sub(r"http://127\.0\.0\.1:\d+/graph", "http://prometheus.example.com/graph", text)
    text = re.sub(r"http://127\.0\.0\.1:\d+", "http://alertmanager.example.com", text)
    GOLDEN.mkdir(parents=True, exist_ok=True)
    (GOLDEN / f"{name}.json").write_text(text + "\n")
    sys.stdout.write(f"{name}: {payload['status']}, {len(status_by_instance(payload))} alerts\n")


def is_partly_resolved(payload: Payload) -> bool:
    status = status_by_instance(payload)
    return status.get("web-01") == "resolved" and "firing" in status.values()


def record(sink: Sink, exporter: Exporter) -> None:
    """One disk fires, repeats and clears; then six fire together, one clears, all clear."""
    exporter.set_disks({"db-01": 97})
    write("firing", sink.next_after(0, is_firing))
    write("repeated", sink.next_after(len(sink.bodies), is_firing))
    seen = len(sink.bodies)
    exporter.set_disks({"db-01": 40})
    write("resolved", sink.next_after(seen, is_resolved))
    names = [f"web-{n:02d}" for n in range(1, 7)]
    seen = len(sink.bodies)
    exporter.set_disks(dict.fromkeys(names, 95.5))
    write("grouped", sink.next_after(seen, lambda sent: {*status_by_instance(sent)} >= {*names}))
    exporter.set_disks(dict.fromkeys(names[1:], 95.5))
    write("partly_resolved", sink.next_after(seen, is_partly_resolved))
    seen = len(sink.bodies)
    exporter.set_disks({})
    write("grouped_resolved", sink.next_after(seen, is_resolved))


def record_truncated(sink: Sink, folder: Path) -> None:
    """Five alerts to a receiver that takes two at a time, so `truncatedAlerts` is 3."""
    route = Route(url=sink.url, group_wait="1s", max_alerts=2)
    alertmanager = Alertmanager(folder, route)
    names = [f"db-{n:02d}" for n in range(1, 6)]
    seen = len(sink.bodies)
    try:
        alertmanager.start()
        alertmanager.post_alerts([{"labels": {"alertname": "ReplicaLag", "instance": name}} for name in names])
        write("truncated", sink.next_after(seen, is_firing))
    finally:
        alertmanager.stop()


def record_disks(sink: Sink, folder: Path) -> None:
    exporter = Exporter()
    exporter.start()
    route = Route(url=sink.url, group_by=("alertname", "job"), bearer="the-key")
    alertmanager = Alertmanager(folder / "alertmanager", route)
    prometheus = Prometheus(folder / "prometheus", exporter.port, alertmanager.port)
    try:
        alertmanager.start()
        prometheus.start()
        record(sink, exporter)
    finally:
        prometheus.stop()
        alertmanager.stop()
        exporter.stop()


def main() -> None:
    sink = Sink()
    with tempfile.TemporaryDirectory() as temporary:
        try:
            record_disks(sink, Path(temporary))
            record_truncated(sink, Path(temporary) / "truncated")
        finally:
            sink.close()
    sys.stdout.write(f"headers: {json.dumps(sink.headers[0])}\n")


if __name__ == "__main__":
    main()
