"""The lists that are rendered from the locks are current."""

from tools import notices


def test_each_locked_runtime_package_is_in_the_notices() -> None:
    lock = notices.LOCK.read_text(encoding="utf-8")
    listed = notices.PYTHON_LIST.read_text(encoding="utf-8").splitlines()
    named = [line.split(":", 1)[0] for line in listed]
    assert named == [f"{name} {version}" for name, version in notices.pinned(lock).items()]
