"""What can go wrong, named by situation. Raised where it happens, mapped to an answer once, at the edge.

AlertWhispererError
├── NotFound              the thing is not there, or not in this scope
├── Unauthenticated       nobody proved who they are
├── Forbidden             somebody did, and may not
├── Conflict              the world is not as the caller assumed
│   └── Stale             a write's expectation about one document did not hold
├── Invalid               the input is wrong; says which field
│   └── TooLarge          more than one commit of the database holds; in parts it may fit
├── RateLimited           too much; says when to come back
└── Unavailable           cannot be served now; says when to come back
    └── OutcomeUnknown    a commit may or may not have happened
"""


class AlertWhispererError(Exception):
    """The root of the tree; its text is written for the person who reads the answer."""


class NotFound(AlertWhispererError):
    """The thing is not there, or not in this scope (the two look alike on purpose)."""


class Unauthenticated(AlertWhispererError):
    """No credential, or one that does not hold."""


class Forbidden(AlertWhispererError):
    """The actor is known and may not do this."""


class Conflict(AlertWhispererError):
    """The world is not as the caller assumed; `current` is the document as it stands."""

    def __init__(self, message: str, current: object = None) -> None:
        super().__init__(message)
        self.current = current


class Stale(Conflict):
    """A write expected something of a document that does not hold."""

    def __init__(self, collection: str, key: tuple[str | int, ...]) -> None:
        super().__init__(f"{collection} {'/'.join(map(str, key))} is not as expected")
        self.collection = collection
        self.key = key


class Invalid(AlertWhispererError):
    """The input is wrong. `field` names where, as a dotted path; None when it is the whole."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class TooLarge(Invalid):
    """More than one commit of the database holds. In parts it may fit."""


class RateLimited(AlertWhispererError):
    """Too much for now; come back in `retry_after` seconds."""

    def __init__(self, message: str, *, retry_after: float, limit: int = 0) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.limit = limit


class Unavailable(AlertWhispererError):
    """Cannot be served now; come back in `retry_after` seconds."""

    def __init__(self, message: str, *, retry_after: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class OutcomeUnknown(Unavailable):
    """The answer to a commit was lost: it may have happened. Whoever sees this reads the log to know."""
