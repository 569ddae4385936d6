"""The requests that the founding documents show work as they are shown, but for the password."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.product import ProductServer, Seed, put_config

pytestmark = pytest.mark.real

# How document 1's client talks: the key in the query, the body by `json=`, and the signature over `json.dumps`.
CLIENT = """
import hashlib, hmac, json, sys, time
import requests

url, api_key, secret = sys.argv[1:]
alert = {
    "asset_name": "server-01",
    "signature": "high_cpu_usage",
    "severity": "high",
    "message": "CPU usage above 90%",
    "tool_source": "Datadog",
}
timestamp = str(int(time.time()))
signed = f"{timestamp}.{json.dumps(alert)}"
signature = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).hexdigest()
headers = {"X-Signature": signature, "X-Timestamp": timestamp}
answer = requests.post(f"{url}?api_key={api_key}", json=alert, headers=headers)
print(json.dumps({"status": answer.status_code, "body": answer.json()}))
"""


def curl(*arguments: str) -> Any:
    """The decoded answer of one curl."""
    program = shutil.which("curl")
    if program is None:
        pytest.skip("curl is not installed")
    done = subprocess.run([program, "--silent", "--fail-with-body", *arguments], capture_output=True, check=True)
    return json.loads(done.stdout)


def send_as_document_1(product: ProductServer, api_key: str, secret: str, folder: Path) -> dict[str, Any]:
    script = folder / "client.py"
    script.write_text(CLIENT)
    argv = [sys.executable, str(script), f"{product.url}/api/webhooks/alerts", api_key, secret]
    done = subprocess.run(argv, capture_output=True, check=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_the_three_requests_of_document_3_section_6(product: ProductServer, seed: Seed) -> None:
    as_json = ("-H", "Content-Type: application/json")
    credentials = json.dumps({"email": "admin@alertwhisperer.com", "password": seed.admin.password})
    login = curl("-X", "POST", f"{product.url}/api/auth/login", *as_json, "-d", credentials)
    assert login["token_type"] == "bearer"
    assert login["user"]["email"] == "admin@alertwhisperer.com"
    assert "hashed_password" not in login["user"]

    bearer = ("-H", f"Authorization: Bearer {login['access_token']}")
    companies = curl("-X", "GET", f"{product.url}/api/companies", *bearer)
    assert sorted(company["name"] for company in companies) == ["Acme Corp", "Global Systems", "TechStart"]

    alert = {
        "asset_name": "prod-server-01",
        "signature": "high_cpu_usage",
        "severity": "critical",
        "message": "CPU usage at 95%",
        "tool_source": "Datadog",
    }
    hook = f"{product.url}/api/webhooks/alerts?api_key={seed.acme.api_key}"
    sent = curl("-X", "POST", hook, *as_json, "-d", json.dumps(alert, indent=4))
    assert sent["alert_id"]
    assert sent["duplicate"] is False


@pytest.mark.parametrize("right", [True, False], ids=["the right secret", "a wrong secret"])
def test_the_client_of_document_1_with_signatures_on(
    product: ProductServer, seed: Seed, ada: httpx.Client, tmp_path: Path, *, right: bool
) -> None:
    company = seed.others[0]
    put_config(ada, company, "webhook_security", {"hmac_enabled": True})
    secret = company.hmac_secret if right else "another secret"
    answer = send_as_document_1(product, company.api_key, secret, tmp_path)
    if right:
        assert answer["status"] in {200, 201}
        assert answer["body"]["incident_id"]
    else:
        assert answer["status"] == 401
        assert "signature" in answer["body"]["detail"]


def test_the_client_of_document_1_with_signatures_off(product: ProductServer, seed: Seed, tmp_path: Path) -> None:
    answer = send_as_document_1(product, seed.others[1].api_key, "unused", tmp_path)
    assert answer["status"] in {200, 201}
