"""The digest of a collection: the same for the same documents, however they come."""

from msgspec.structs import replace

from alertwhisperer.storage.digest import Digest, fingerprint
from tests.support.documents import alert

A, B = alert("a", labels={"site": "fra", "team": "web"}), alert("b")


def digest(*documents: object) -> Digest:
    made = Digest()
    for each in documents:
        made.add(fingerprint(each))  # type: ignore[arg-type]  # all of them Structs
    return made


def test_order_does_not_matter() -> None:
    assert digest(A, B) == digest(B, A)
    assert fingerprint(A) == fingerprint(alert("a", labels={"team": "web", "site": "fra"}))


def test_one_document_that_differs_shows() -> None:
    assert digest(A, B) != digest(A, replace(B, message="CPU above 96 %"))
    assert fingerprint(alert("a", metadata={"n": 1})) != fingerprint(alert("a", metadata={"n": 1.0}))


def test_one_that_is_missing_or_there_twice_shows() -> None:
    assert digest(A, B) != digest(A)
    assert digest(A, B, B) != digest(A)
    assert digest(A, A) != digest()


def test_parts_make_the_whole() -> None:
    whole = digest(A)
    whole.join(digest(B))
    assert whole == digest(A, B)
    assert str(digest()) == "0" * 32
