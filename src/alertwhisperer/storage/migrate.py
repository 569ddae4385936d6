"""The database file as a whole: made, recognised, upgraded, backed up and restored.

`application_id` says that a file is ours, `user_version` which version of `schema.py` it was written by.
"""

import os
import shutil
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from alertwhisperer.domain.errors import Invalid, Unavailable
from alertwhisperer.schema import VERSION
from alertwhisperer.storage.render import sqlite_ddl
from alertwhisperer.storage.sqlite_reads import connect
from alertwhisperer.storage.sqlite_upgrade import lay_out_anew
from alertwhisperer.storage.sqlite_writer import FileLock

APPLICATION_ID: Final = 0x41574831
"""The bytes "AWH1" in the file's header (SQLite, "Database File Format", offset 68)."""

PAGE_BYTES: Final = 4096
NEWER: Final = "upgrade the program, or set SQLITE_PATH to another file"

Steps = Mapping[int, tuple[str, ...]]
STEPS: Final[Steps] = {
    # Minutes of counters had documents of their own: into their hours, by counter.
    2: (
        """UPDATE metrics AS hour SET document = json_set(document, '$.minutes', json((
  SELECT json_group_object(name, json(sums)) FROM (
    SELECT counter.key AS name, json_group_object(substr(minute.id, 17), counter.value) AS sums
    FROM metrics AS minute, json_each(minute.document, '$.counts') AS counter
    WHERE minute.company_id = hour.company_id
      AND minute.id >= 'm' || substr(hour.id, 2) || ':' AND minute.id < 'm' || substr(hour.id, 2) || ';'
    GROUP BY counter.key
  )))) WHERE id GLOB 'h#*'""",
        "DELETE FROM metrics WHERE id GLOB 'm#*'",
    ),
}
"""Version → the statements that lead from it to the next besides the layout of tables, which is found by comparing."""


def lock_path(path: Path) -> Path:
    """The file whose lock guards writing to the database at `path`."""
    return path.with_name(path.name + ".lock")


def prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Make the schema in an empty file, or check that the one there is of this version; under the file lock.

    Invalid, in one sentence, if it is not.
    """
    if is_empty(connection):
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("BEGIN IMMEDIATE")
        for statement in sqlite_ddl():
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
        return
    version = version_of(connection, path)
    if version < VERSION:
        raise Invalid(
            f"{path} is of version {version} and this program needs {VERSION}: run `alertwhisperer db upgrade`"
        )


def is_empty(connection: sqlite3.Connection) -> bool:
    """Whether the file holds no table and no mark of anybody's."""
    tables = _number(connection, "SELECT count(*) FROM sqlite_schema")
    return not tables and not _number(connection, "PRAGMA user_version")


def version_of(connection: sqlite3.Connection, path: Path) -> int:
    """The schema version of the file. Invalid if it is nobody's, another program's, or newer than this one."""
    version = _number(connection, "PRAGMA user_version")
    if _number(connection, "PRAGMA application_id") != APPLICATION_ID:
        raise Invalid(f"{path} is a database without Alert Whisperer's version mark; import it, or choose another path")
    if version > VERSION:
        raise Invalid(
            f"{path} is of version {version}, made by a newer Alert Whisperer than this one ({VERSION}): {NEWER}"
        )
    return version


def upgrade(path: Path, *, steps: Steps = STEPS, to: int = VERSION) -> Path | None:
    """Bring the database to this version, all or nothing. Returns the backup made first; None if nothing was to do."""
    lock = FileLock(lock_path(path))
    connection = connect(_existing(path))
    try:
        with lock.held():
            version = version_of(connection, path)
            if version >= to:
                return None
            saved = _free_name(path, version)
            _copy(connection, saved)
            _climb(connection, version, to, steps)
            return saved
    finally:
        connection.close()
        lock.close()


def backup(path: Path, to: Path) -> int:
    """Write a consistent copy of the database, which may be in use, to a new file. Returns its size in bytes.

    By VACUUM INTO: SQLite's backup API begins again whenever somebody writes, and under load never ends.
    """
    connection = connect(_existing(path))
    try:
        version_of(connection, path)
        _copy(connection, to)
    finally:
        connection.close()
    return to.stat().st_size


def restore(copy: Path, path: Path) -> None:
    """Put a backup in the place of the database at `path`, if there is one. It is checked first.

    Invalid if the backup is damaged or not ours; Unavailable if somebody has the database open.
    """
    check_backup(copy)
    lock = FileLock(lock_path(path))
    try:
        with lock.held():
            if path.exists():
                _leave_wal(path)
            beside = path.with_name(path.name + ".restoring")
            shutil.copyfile(copy, beside)
            _sync(beside)
            beside.replace(path)
            _sync(path.parent)
    finally:
        lock.close()


def check_backup(copy: Path) -> None:
    """Invalid unless the file is a whole database of ours, of this version or an older one."""
    connection = connect(_existing(copy))
    try:
        version_of(connection, copy)
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.DatabaseError as error:
        raise Invalid(f"{copy} is damaged: {error}") from error
    finally:
        connection.close()
    if found != "ok":
        raise Invalid(f"{copy} is damaged: {found}")


def _climb(connection: sqlite3.Connection, version: int, to: int, steps: Steps) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in (each for at in range(version, to) for each in steps.get(at, ())):
            connection.execute(statement)
        lay_out_anew(connection)
        connection.execute(f"PRAGMA user_version = {to}")
        connection.execute("COMMIT")
    finally:
        connection.rollback()


def _copy(connection: sqlite3.Connection, to: Path) -> None:
    if to.exists():
        raise Invalid(f"{to} exists already")
    unfinished = to.with_name(to.name + ".unfinished")
    unfinished.unlink(missing_ok=True)
    try:
        connection.execute("VACUUM INTO ?", (str(unfinished),))
        unfinished.chmod(0o600)
        _sync(unfinished)
        unfinished.replace(to)
    except (sqlite3.Error, OSError) as error:
        unfinished.unlink(missing_ok=True)
        raise Unavailable(f"the backup could not be written: {error}") from error


def _leave_wal(path: Path) -> None:
    """Fold the log file into the database, which only works when nobody else has it open."""
    connection = connect(path)
    try:
        connection.execute("PRAGMA busy_timeout = 0")
        connection.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.OperationalError as error:
        raise Unavailable(f"{path} is in use; stop the server first") from error
    finally:
        connection.close()


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise Invalid(f"there is no database at {path}")
    return path


def _free_name(path: Path, version: int) -> Path:
    name = path.with_name(f"{path.name}.v{version}.backup")
    number = 2
    while name.exists():
        name = path.with_name(f"{path.name}.v{version}.backup{number}")
        number += 1
    return name


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _number(connection: sqlite3.Connection, query: str) -> int:
    return int(connection.execute(query).fetchone()[0])
