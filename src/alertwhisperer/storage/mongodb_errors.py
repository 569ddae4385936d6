"""The driver's errors as the house's own."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pymongo
from bson.errors import BSONError
from pymongo.errors import (
    ConfigurationError,
    DuplicateKeyError,
    InvalidName,
    InvalidOperation,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
)

from alertwhisperer.domain.errors import AlertWhispererError, Conflict, Invalid, Unavailable

BAD_CREDENTIALS: Final = frozenset({18, 8000})
"""AuthenticationFailed, and Atlas's own."""

UNAUTHORIZED: Final = 13

TOO_LARGE: Final = frozenset({10334, 17280, 17419, 17420})


def translated(error: PyMongoError | BSONError) -> AlertWhispererError:
    """What an error of the driver means for whoever asked."""
    match error:
        case OperationFailure():
            return _refused(error)
        case BSONError() | InvalidName() | ConfigurationError():
            return Invalid(f"MongoDB cannot take it: {error}")
        case InvalidOperation():
            return Unavailable("the database is closed")
        case ServerSelectionTimeoutError():
            return Unavailable("no MongoDB server that can write was found in time: look at the replica set's members")
        case _:
            return _late_or_gone(error)


def _refused(error: OperationFailure) -> AlertWhispererError:
    """What it means that a server has answered, and with no."""
    if isinstance(error, DuplicateKeyError):
        return Conflict("its key, or a unique field of it, is taken")
    if error.code in BAD_CREDENTIALS:
        # Not Invalid: it is no fault of who asks, and a sender would not come again.
        return Unavailable(
            f"MongoDB refuses the user of MONGO_URL ({told(error)}): check its name, its password and authSource"
        )
    if error.code == UNAUTHORIZED:
        return Unavailable(
            f"MongoDB denies this to the user of MONGO_URL ({told(error)}): give it the role readWrite on the database"
        )
    if error.code in TOO_LARGE:
        return Invalid(f"MongoDB cannot keep it: {told(error)}")
    return _late_or_gone(error)


def _late_or_gone(error: PyMongoError) -> Unavailable:
    if error.timeout:
        return Unavailable("this took MongoDB too long; ask for less at a time")
    return Unavailable(f"MongoDB cannot do this now: {told(error)}")


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Bounds what is done inside, tries anew and waits for an election included; raises the house's errors."""
    try:
        with pymongo.timeout(seconds):
            yield
    except (PyMongoError, BSONError) as error:
        raise translated(error) from error


def told(error: Exception) -> str:
    """What the server says, else the driver, without all that this knows of every server and time-out."""
    details = getattr(error, "details", None)
    said = details.get("errmsg") if isinstance(details, dict) else None
    return str(said or error).split(", Timeout:")[0].split(" (configured timeouts")[0][:300].rstrip(".")
