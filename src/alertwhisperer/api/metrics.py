"""`/metrics`: what this process measures of itself, in Prometheus' text format.

With several processes each scrape meets one of them; the label `process` says which, so that no counter jumps back.
"""

import hmac
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from fastapi.requests import Request
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from alertwhisperer.domain.errors import Forbidden
from alertwhisperer.engine.meters import Histogram, Meter, Reads, Tally

LOOPBACK = ("127.0.0.1", "::1")


class _Meters(Collector):
    def __init__(self, meters: Iterable[Meter], process: str) -> None:
        self._meters = meters
        self._process = process

    def collect(self) -> Iterator[Metric]:
        for meter in self._meters:
            name = f"alertwhisperer_{meter.name}"
            if isinstance(meter.source, Histogram):
                yield _histogram(name, meter, meter.source, self._process)
            else:
                yield _numbers(name, meter, self._process)


def _numbers(name: str, meter: Meter, process: str) -> Metric:
    make = CounterMetricFamily if meter.kind == "counter" else GaugeMetricFamily
    if isinstance(meter.source, Tally | Reads):
        labelled = make(name, meter.help, labels=["process", meter.source.label])
        for value, total in sorted(meter.source.sums.items()):
            labelled.add_metric([process, value], total)
        return labelled
    assert not isinstance(meter.source, Histogram)  # noqa: S101  # the caller has told them apart
    plain = make(name, meter.help, labels=["process"])
    plain.add_metric([process], meter.source())
    return plain


def _histogram(name: str, meter: Meter, source: Histogram, process: str) -> Metric:
    family = HistogramMetricFamily(name, meter.help, labels=["process"])
    total, buckets = 0, []
    for bound, count in zip([*map(str, source.bounds), "+Inf"], source.counts, strict=True):
        total += count
        buckets.append((bound, float(total)))
    family.add_metric([process], buckets, source.sum)
    return family


def exposition(meters: Sequence[Meter], process: str) -> bytes:
    """All meters as text."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Meters(meters, process))
    return generate_latest(registry)


class Metrics:
    """Serves the meters to whom the settings let. `process` names this process."""

    def __init__(
        self, meters: Sequence[Meter], process: str, access: Literal["local", "token", "open"], token: str | None
    ) -> None:
        self._meters = meters
        self._process = process
        self._access = access
        self._token = token

    async def serve(self, request: Request) -> Response:
        """The metrics of this process; Forbidden for others than the settings name."""
        if not self._allows(request):
            raise Forbidden("metrics are not for you: see METRICS_ACCESS")
        return Response(exposition(self._meters, self._process), media_type=CONTENT_TYPE_LATEST)

    def _allows(self, request: Request) -> bool:
        if self._access == "open":
            return True
        if self._access == "local":
            return request.client is not None and request.client.host in LOOPBACK
        given = request.headers.get("authorization", "").removeprefix("Bearer ").encode()
        return hmac.compare_digest(given, (self._token or "").encode())
