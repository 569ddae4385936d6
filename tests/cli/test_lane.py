"""Webhooks on the wire of the real server: the short way, the long way, and nothing in between lost."""

import json
import socket
from collections.abc import Iterator

import httpx
import pytest

from tests.support.processes import wait_for
from tests.support.product import ProductServer, Seed, alert_document

END = b"\r\n\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProductServer]:
    product = ProductServer(tmp_path_factory.mktemp("lane"), {"LOG_FORMAT": "json"})
    product.start()
    yield product
    product.kill()


@pytest.fixture(scope="module")
def seed(server: ProductServer) -> Seed:
    return server.seed()


def request(seed: Seed, number: int, *, extra: str = "", body: bytes | None = None) -> bytes:
    content = json.dumps(alert_document(number)).encode() if body is None else body
    return (
        f"POST /api/webhooks/alerts HTTP/1.1\r\nHost: here\r\nX-API-Key: {seed.acme.api_key}\r\n{extra}"
        f"Content-Length: {len(content)}\r\n\r\n"
    ).encode() + content


class Line:
    """A raw connection, which reads answer by answer."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.rest = b""

    def send(self, content: bytes) -> None:
        self.socket.sendall(content)

    def answer(self) -> tuple[int, str, dict[str, object]]:
        """Status, head in lower case, JSON of the next answer."""
        while END not in self.rest:
            self._more()
        head, _, self.rest = self.rest.partition(END)
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
        while len(self.rest) < length:
            self._more()
        body, self.rest = self.rest[:length], self.rest[length:]
        return int(head[9:12]), head.decode().lower(), json.loads(body)

    def is_closed(self) -> bool:
        return self.socket.recv(1) == b""

    def _more(self) -> None:
        received = self.socket.recv(65_536)
        if not received:
            raise ConnectionError(f"closed after {self.rest!r}")
        self.rest += received


@pytest.fixture
def line(server: ProductServer) -> Iterator[Line]:
    made = Line(server.port)
    yield made
    made.socket.close()


def test_requests_one_after_the_other_share_a_connection(line: Line, seed: Seed) -> None:
    for number in (1, 2, 1):
        line.send(request(seed, number))
    found = [line.answer() for _ in range(3)]
    assert [(status, body["disposition"]) for status, _, body in found] == [
        (201, "grouped"),
        (201, "grouped"),
        (200, "occurrence"),
    ]
    assert found[0][2]["alert_id"] == found[2][2]["alert_id"]
    assert "date: " in found[0][1]


def test_a_request_that_comes_byte_by_byte_is_taken_whole(line: Line, seed: Seed) -> None:
    for byte in request(seed, 10):
        line.send(bytes([byte]))
    assert line.answer()[0] == 201


def test_the_long_way_leads_to_the_same_place(line: Line, seed: Seed) -> None:
    body = json.dumps(alert_document(20)).encode()
    chunked = request(seed, 20, body=b"").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
    line.send(chunked + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))
    assert line.answer()[0] == 201
    line.send(request(seed, 20, extra="X-Forwarded-For: 192.0.2.7\r\n"))
    assert line.answer()[2]["disposition"] == "occurrence"
    line.send(request(seed, 20))
    assert line.answer()[2]["disposition"] == "occurrence"


def test_whoever_asks_for_it_to_be_closed_is_answered_first(line: Line, seed: Seed) -> None:
    line.send(request(seed, 30, extra="Connection: close\r\n"))
    status, head, _ = line.answer()
    assert (status, "connection: close" in head) == (201, True)
    assert line.is_closed()


def test_refusals_say_what_is_wrong_and_leave_the_connection_open(line: Line, seed: Seed) -> None:
    line.send(request(seed, 40, body=b"{"))
    status, head, problem = line.answer()
    assert (status, problem["field"]) == (422, "body")
    assert "content-type: application/problem+json" in head
    line.send(request(seed, 40).replace(seed.acme.api_key.encode(), b"wrong"))
    assert line.answer()[0] == 401
    line.send(request(seed, 40, extra=f"X-Delivery-ID: {'x' * 256}\r\n"))
    assert line.answer()[2]["field"] == "X-Delivery-ID"
    line.send(request(seed, 40).replace(b"/alerts ", b"/smoke-signals "))
    assert line.answer()[0] == 404
    line.send(request(seed, 40))
    assert line.answer()[0] == 201


def test_what_is_nested_too_deeply_is_refused_and_counted(line: Line, server: ProductServer, seed: Seed) -> None:
    globex = seed.others[0]
    nested = request(seed, 0, body=b"[" * 200_000 + b"]" * 200_000)
    line.send(nested.replace(seed.acme.api_key.encode(), globex.api_key.encode()))
    status, head, problem = line.answer()
    assert (status, problem["field"]) == (422, "body")
    assert "content-type: application/problem+json" in head
    line.send(request(seed, 45))
    assert line.answer()[0] == 201
    with server.signed_in(seed.admin) as client:

        def rejected() -> int:
            ledger = client.get("/api/ledger", params={"company_id": globex.id}).json()
            return int(ledger["totals"]["rejected"])

        wait_for(lambda: rejected() == 1, seconds=10, what="the ledger does not know the refusal")


def test_a_delivery_of_many_parts_is_answered_in_order(line: Line, seed: Seed) -> None:
    many = [alert_document(1_000 + n) for n in range(1_200)]
    line.send(request(seed, 0, body=json.dumps(many).encode()))
    _, _, body = line.answer()
    results = body["results"]
    assert isinstance(results, list)
    assert [each["disposition"] for each in results] == ["grouped"] * 1_200


def test_what_is_too_large_is_refused(server: ProductServer, seed: Seed) -> None:
    answer = httpx.post(
        f"{server.url}/api/webhooks/alerts", content=b" " * (5 << 20) + b"{}", headers={"X-API-Key": seed.acme.api_key}
    )
    assert answer.status_code == 413


def test_a_refused_sender_leaves_one_line_a_second_without_its_key(server: ProductServer, seed: Seed) -> None:
    for _ in range(20):
        httpx.post(f"{server.url}/api/webhooks/alerts?api_key=not-a-key", json=alert_document(50))
    refused = [each for each in server.process.log.read_text().splitlines() if "delivery refused" in each]
    assert 0 < len([each for each in refused if '"status": 401' in each]) < 10
    assert "not-a-key" not in server.process.log.read_text()
