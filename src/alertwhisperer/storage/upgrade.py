"""What an upgrade of an engine that is a server has done.

Collections, indexes and tables are declared in `schema.py`, so what an older database lacks of them is found by
comparing, and made: that is the usual step. Where an index is over fields that are ours, its documents are written
anew, since only then they carry them. `db upgrade` of a SQLite file is in `migrate.py`, and its comparing in
`sqlite_upgrade.py`.
"""

from msgspec import Struct


class Upgrade(Struct, frozen=True):
    """From which version to which; `made` names what is new, in words."""

    before: int
    after: int
    made: list[str]

    @property
    def needed(self) -> bool:
        """Whether there was anything to do."""
        return self.before != self.after or bool(self.made)
