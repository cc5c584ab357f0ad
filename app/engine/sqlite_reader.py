"""Answers one query on a SQLite file; as a program, for whoever must not open the file itself.

As a program it reads {"path", "query", "values", "blobs"} as JSON from its input, where `blobs`
names the values that are bytes in hexadecimal, and writes the rows as JSON. Standard library only.
Used by keystore.py, which says why.
"""

import json
import sqlite3
import sys
from pathlib import Path
from typing import Any

BUSY_SECONDS = 10.0


def rows(path: str, query: str, values: dict[str, Any]) -> list[list[Any]]:
    """The rows of the answer. Raises sqlite3.Error."""
    # Not "ro": what a killed writer left half done is undone by the next who opens the file, and
    # one who may not write would only fail.
    url = Path(path).as_uri() + "?mode=rw"
    connection = sqlite3.connect(url, uri=True, timeout=BUSY_SECONDS)
    try:
        connection.execute("PRAGMA query_only = on")
        return [list(row) for row in connection.execute(query, values)]
    except sqlite3.OperationalError as error:
        # A store that was created but never used has no tables yet: nothing is in it.
        if "no such table" not in str(error):
            raise
        return []
    finally:
        connection.close()


def main() -> None:
    """Answers the query on standard input; a failure ends the program with the error's text."""
    order = json.load(sys.stdin)
    values = order["values"]
    for name in order["blobs"]:
        values[name] = bytes.fromhex(values[name])
    try:
        json.dump(rows(order["path"], order["query"], values), sys.stdout)
    except sqlite3.Error as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
