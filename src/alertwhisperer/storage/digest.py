"""What a set of documents amounts to, whatever order they are read in and whichever engine keeps them."""

from hashlib import blake2b
from typing import Final

from msgspec import Struct, json

DIGEST_BYTES: Final = 16
_MODULUS: Final = 1 << (8 * DIGEST_BYTES)
_canonical: Final = json.Encoder(order="sorted")


def fingerprint(document: Struct) -> int:
    """The hash of one document as a number; the order of names in its objects does not matter."""
    return int.from_bytes(blake2b(_canonical.encode(document), digest_size=DIGEST_BYTES).digest(), "big")


class Digest(Struct):
    """How many documents, and the sum of their hashes: the same for the same documents in any order.

    A sum, not an exclusive or: a document that is there twice does not cancel itself out.
    """

    count: int = 0
    total: int = 0

    def add(self, print_: int) -> None:
        """Add a document by its fingerprint."""
        self.count += 1
        self.total = (self.total + print_) % _MODULUS

    def join(self, other: "Digest") -> None:
        """Add all documents of another."""
        self.count += other.count
        self.total = (self.total + other.total) % _MODULUS

    def __str__(self) -> str:
        return f"{self.total:032x}"
