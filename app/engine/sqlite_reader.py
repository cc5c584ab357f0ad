"""A program of its own: answers one query on a SQLite file. Standard library only.

Reads {"path", "query", "values", "blobs"} as JSON from its input, where `blobs` names the values
that are bytes in hexadecimal; writes the rows as JSON. Used by keystore.py, which says why.
"""

import json
import sqlite3
import sys
from pathlib import Path

BUSY_SECONDS = 10.0


def main() -> None:
    """Answers the query on standard input; a failure ends the program with the error's text."""
    order = json.load(sys.stdin)
    values = order["values"]
    for name in order["blobs"]:
        values[name] = bytes.fromhex(values[name])
    # Not "ro": what a killed writer left half done is undone by the next who opens the file, and
    # one who may not write would only fail.
    url = Path(order["path"]).as_uri() + "?mode=rw"
    connection = sqlite3.connect(url, uri=True, timeout=BUSY_SECONDS)
    try:
        connection.execute("PRAGMA query_only = on")
        rows = connection.execute(order["query"], values).fetchall()
    except sqlite3.OperationalError as error:
        # A store that was created but never used has no tables yet: nothing is in it.
        if "no such table" not in str(error):
            sys.exit(str(error))
        rows = []
    finally:
        connection.close()
    json.dump(rows, sys.stdout)


if __name__ == "__main__":
    main()
