"""Documents compared exactly: 1 is not 1.0 nor True, 0.0 not -0.0; only the order of an object's keys says nothing."""


def exact(value: object) -> str:
    """A text that two values share if they are the same."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name!r}: {exact(each)}" for name, each in sorted(value.items())) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(exact, value)) + "]"
    return repr(value)
