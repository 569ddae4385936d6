"""`serve`, as processes of its own: what it prints, what it logs, how it ends."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.support.engines import LONG
from tests.support.processes import answers, free_port, wait_for
from tests.support.product import ProductServer, alert_document, signature_headers
from tests.support.served import SETTINGS, served

FIRST_SIGN_IN = re.compile(r"First sign-in: (\S+)  (\S+)  \(shown once\)")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ProductServer]:
    product = ProductServer(tmp_path, {"LOG_FORMAT": "json", "LOG_LEVEL": "debug"})
    yield product
    product.kill()


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProductServer]:
    """One server for the tests that only ask it things."""
    product = ProductServer(tmp_path_factory.mktemp("standing"), {"LOG_FORMAT": "json", "LOG_LEVEL": "debug"})
    product.start()
    yield product
    product.kill()


def lines(server: ProductServer) -> list[dict[str, object]]:
    return [json.loads(line) for line in server.process.log.read_text().splitlines() if line.startswith("{")]


def children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_the_first_start_shows_the_first_sign_in_and_later_ones_do_not(server: ProductServer) -> None:
    server.start()
    said = server.process.log.read_text()
    shown = FIRST_SIGN_IN.search(said)
    assert shown
    answer = httpx.post(f"{server.url}/api/auth/login", json={"email": shown[1], "password": shown[2]})
    server.stop()
    server.process.log.unlink()
    server.start()

    assert f"Alert Whisperer serves {server.url}" in said
    assert shown[1] == "admin@alertwhisperer.com"
    assert answer.json()["user"]["role"] == "msp_admin"
    assert "First sign-in" not in server.process.log.read_text()


def test_no_secret_of_a_whole_session_reaches_the_log(server: ProductServer) -> None:
    server.start()
    secrets = _live_a_session(server)
    server.stop()
    logged = FIRST_SIGN_IN.sub("", server.process.log.read_text())

    assert len(secrets) >= 12
    assert [each for each in secrets if each in logged] == []
    assert '"path": "/api/auth/login"' in logged


def _live_a_session(server: ProductServer) -> list[str]:
    """Do all that handles secrets, well and badly; returns every secret that was used."""
    seed = server.seed()
    acme, admin = seed.acme, seed.admin
    base = server.url
    wrong = "wrong-horse-battery-staple"
    httpx.post(f"{base}/api/auth/login", json={"email": admin.email, "password": wrong})
    httpx.post(f"{base}/api/auth/login?password={wrong}", content=b'{"email": broken')
    httpx.get(f"{base}/api/alerts", headers={"Authorization": "Bearer stolen-bearer-token-value"})
    signed = httpx.post(
        f"{base}/api/auth/login",
        json={"email": admin.email, "password": admin.password, "cookie": True},
        headers={"Origin": base},
    )
    cookie, token = signed.cookies["aw_session"], signed.json()["access_token"]
    with httpx.Client(base_url=base, headers={"Authorization": f"Bearer {token}"}) as client:
        revealed = client.post(f"/api/companies/{acme.id}/api-key/reveal").json()["api_key"]
        rotated = client.post(f"/api/companies/{acme.id}/configs/webhook_security/rotate", json={}).json()[
            "hmac_secret"
        ]
        made = client.post("/api/users", json={"email": "bo@acme.example", "name": "Bo", "role": "technician"}).json()
        ticket = client.post("/api/auth/tickets").json()["ticket"]
    body = json.dumps(alert_document(1, message="a-message-only-in-the-body")).encode()
    signature = signature_headers(rotated, body)
    httpx.post(f"{base}/api/webhooks/alerts?api_key={acme.api_key}", content=body)
    httpx.post(f"{base}/api/webhooks/alerts", content=body, headers={"X-API-Key": acme.api_key, **signature})
    httpx.post(f"{base}/api/webhooks/alerts?api_key=aw_not-a-key-that-is-known-to-us", content=body)
    with connect(f"ws{base[4:]}/ws?ticket={ticket}") as socket:
        socket.recv(timeout=5)
    with pytest.raises(ConnectionClosed), connect(f"ws{base[4:]}/ws?ticket={ticket}") as socket:
        socket.recv(timeout=5)
    return [
        *(each.password for each in seed.users),
        *(each.api_key for each in seed.companies),
        *(each.hmac_secret for each in seed.companies),
        wrong,
        "stolen-bearer-token-value",
        cookie,
        token,
        revealed,
        rotated,
        made["password"],
        ticket,
        signature["X-Signature"],
        "a-message-only-in-the-body",
        "aw_not-a-key-that-is-known-to-us",
    ]


def test_a_stop_ends_sockets_and_finishes_within_seconds(server: ProductServer) -> None:
    server.start()
    seed = server.seed()
    with server.signed_in(seed.admin) as client:
        ticket = client.post("/api/auth/tickets").json()["ticket"]
    with connect(f"ws{server.url[4:]}/ws?ticket={ticket}") as socket:
        socket.recv(timeout=5)
        os.kill(server.process.pid, signal.SIGTERM)
        with pytest.raises(ConnectionClosed):
            _hear_it_out(socket)
    wait_for(lambda: not server.process.running, seconds=8, what="the server still runs")

    assert lines(server)[-1]["event"] == "stopped"


def _hear_it_out(socket: ClientConnection) -> None:
    while True:
        socket.recv(timeout=5)


def test_what_is_answered_before_a_stop_is_there_after_it(server: ProductServer) -> None:
    server.start()
    acme = server.seed().acme
    answer = httpx.post(
        f"{server.url}/api/webhooks/alerts", json=alert_document(7), headers={"X-API-Key": acme.api_key}
    )
    server.stop()
    server.start()
    with server.signed_in(server.seed().admin) as client:
        found = client.get(f"/api/alerts/{answer.json()['alert_id']}", params={"company_id": acme.id})

    assert found.json()["asset_name"] == "host-00007"


def test_answers_name_the_request_and_not_the_server(standing: ProductServer) -> None:
    answer = httpx.get(f"{standing.url}/api/companies", headers={"X-Request-ID": "my-own-id-1"})

    assert answer.status_code == 401
    assert answer.headers["x-request-id"] == answer.json()["request_id"] == "my-own-id-1"
    assert "server" not in answer.headers

    def is_logged() -> bool:
        return any(each.get("request_id") == "my-own-id-1" for each in lines(standing))

    wait_for(is_logged, seconds=5, what="the log does not know the request")


def test_metrics_count_what_came_in(standing: ProductServer) -> None:
    acme = standing.seed().acme
    for _ in range(3):
        httpx.post(f"{standing.url}/api/webhooks/alerts", json=alert_document(1), headers={"X-API-Key": acme.api_key})
    text = httpx.get(f"{standing.url}/metrics").text

    assert re.search(r'alertwhisperer_alerts_total\{disposition="grouped",process="\d+"\} 1\.0', text)
    assert re.search(r'alertwhisperer_alerts_total\{disposition="occurrence",process="\d+"\} 2\.0', text)
    assert re.search(r'alertwhisperer_alerts_received_total\{process="\d+"\} 3\.0', text)
    assert re.search(r"alertwhisperer_ledger_imbalances_total\{[^}]*\} 0\.0", text)
    assert not re.search(r"alertwhisperer_faults_survived_total\{[^}]*\} [1-9]", text)


@pytest.mark.parametrize("engine", sorted(SETTINGS) if LONG else ["mongodb", "sqlite"])
def test_several_processes_share_one_port_and_one_truth(
    request: pytest.FixtureRequest, tmp_path: Path, engine: str
) -> None:
    server = served(request, engine, tmp_path, {"WORKERS": "2", "LOG_FORMAT": "json"})
    server.start()
    try:
        acme = server.seed().acme

        def send(_: int) -> str:
            headers = {"X-API-Key": acme.api_key}
            url = f"{server.url}/api/webhooks/alerts"
            answer = httpx.post(url, json=alert_document(1), headers=headers, timeout=60)
            return str(answer.json()["incident_id"])

        with ThreadPoolExecutor(16) as pool:
            incidents = set(pool.map(send, range(64)))
            seen = set(pool.map(lambda _: _process_of(server), range(64)))
        with server.signed_in(server.seed().admin) as client:
            [alert] = client.get("/api/alerts", params={"company_id": acme.id}).json()
            ledger = client.get("/api/ledger", params={"company_id": acme.id}).json()

        assert len(incidents) == 1
        assert alert["occurrences"] == 64
        assert (ledger["totals"]["received"], ledger["balanced"]) == (64, True)
        assert len(seen) == 2
    finally:
        server.stop()
    assert not answers(f"{server.url}/healthz")


def _process_of(server: ProductServer) -> str:
    found = re.search(r'process="(\d+)"', httpx.get(f"{server.url}/metrics").text)
    assert found
    return found[1]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_process_that_dies_is_replaced_and_none_outlives_its_parent(tmp_path: Path) -> None:
    server = ProductServer(tmp_path, {"WORKERS": "2"})
    server.start()
    try:
        seen: set[str] = set()

        def count() -> int:
            seen.add(_process_of(server))
            return len(seen)

        wait_for(lambda: count() == 2, seconds=20, what="one process serves alone")
        os.kill(int(min(seen)), signal.SIGKILL)
        wait_for(lambda: count() == 3, seconds=20, what="nobody took its place")
        before = children(server.process.pid)
    finally:
        server.kill()
    wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in before), seconds=10, what="children live on")


def test_send_delivers_signed_and_shows_the_answer(standing: ProductServer) -> None:
    acme = standing.seed().acme
    key = ("--url", standing.url, "--key", acme.api_key, "--secret", acme.hmac_secret)
    one = json.loads(standing.run("send", *key, "--asset", "db-77", "--severity", "critical"))
    over = json.loads(standing.run("send", *key, "--asset", "db-77", "--resolved"))
    (standing.folder / "many.ndjson").write_text("".join(f"{json.dumps(alert_document(n))}\n" for n in (501, 502)))
    many = json.loads(standing.run("send", "many.ndjson", *key))

    assert (one["disposition"], over["disposition"]) == ("grouped", "resolved")
    assert [each["disposition"] for each in many["results"]] == ["grouped", "grouped"]
    with pytest.raises(RuntimeError, match="refused with 401"):
        standing.run("send", "--url", standing.url, "--key", "aw_wrong")


def test_doctor_knows_the_server_that_runs(standing: ProductServer) -> None:
    said = subprocess.run(
        [sys.executable, "-m", "alertwhisperer.cli.main", "doctor"],
        cwd=standing.folder,
        env={**standing._environment(), "PORT": str(standing.port)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert said.returncode == 0, said.stdout
    assert f"✓ port: Alert Whisperer answers on 127.0.0.1 port {standing.port}" in said.stdout


def test_sockets_are_not_compressed_and_open_at_one_path_only(standing: ProductServer) -> None:
    seed = standing.seed()
    with standing.signed_in(seed.admin) as client:
        tickets = [client.post("/api/auth/tickets").json()["ticket"] for _ in range(2)]
    with connect(f"ws{standing.url[4:]}/ws?ticket={tickets[0]}") as socket:
        assert socket.protocol.extensions == []
    with pytest.raises(InvalidStatus, match="403"), connect(f"ws{standing.url[4:]}/other?ticket={tickets[1]}"):
        pass


def test_live_updates_by_polling_alone_open_no_socket(tmp_path: Path) -> None:
    server = ProductServer(tmp_path, {"LIVE_TRANSPORT": "polling"})
    server.start()
    try:
        with server.signed_in(server.seed().admin) as client:
            ticket = client.post("/api/auth/tickets").json()["ticket"]
        with pytest.raises(InvalidStatus, match="403"), connect(f"ws{server.url[4:]}/ws?ticket={ticket}"):
            pass
    finally:
        server.kill()


def test_a_port_in_use_is_told_in_a_sentence(standing: ProductServer) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "alertwhisperer.cli.main", "serve", "--port", str(standing.port)],
        cwd=standing.folder,
        env=standing._environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )

    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1 port {standing.port}" in done.stderr
    assert "Traceback" not in done.stderr


def test_options_win_over_the_environment(tmp_path: Path) -> None:
    port = free_port()
    server = ProductServer(tmp_path, {"PORT": "1", "HOST": "203.0.113.1"}, port=port)
    server.start()
    try:
        assert answers(f"http://127.0.0.1:{port}/healthz")
    finally:
        server.kill()
