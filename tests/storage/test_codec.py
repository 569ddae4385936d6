"""Decoding by several threads at once."""

import os
import subprocess
import sys

import pytest

THREADS = """
import sys, threading
sys.setswitchinterval(0.00005)
from alertwhisperer.schema import BY_DOCUMENT
from alertwhisperer.storage.codec import encode, typed
from tests.support.documents import alert
raw, start = encode(alert("a1")), threading.Barrier(6)
def read():
    start.wait()
    for kind in BY_DOCUMENT:
        try:
            typed(kind, raw)
        except Exception:
            pass
threads = [threading.Thread(target=read) for _ in range(6)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


@pytest.mark.parametrize("attempt", range(6))
def test_threads_that_read_every_kind_for_the_first_time_at_once_survive(attempt: int) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ended = subprocess.run([sys.executable, "-c", THREADS], env=environment, capture_output=True, check=False)
    assert ended.returncode == 0, ended.stderr.decode()
