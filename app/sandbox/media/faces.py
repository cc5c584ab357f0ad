"""Profile pictures of accounts and groups: one file each, named by whose it is and by its id."""

from __future__ import annotations

import time
from pathlib import Path


class Faces:
    """The pictures in a folder. Touched from one thread only."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._ids = dict(file.name.split(".", 1) for file in folder.iterdir())

    def put(self, user: str, file: Path) -> str:
        """Take over a file as the picture of `user` (a number, or a group's id); its id."""
        self.drop(user)
        self._ids[user] = str(time.time_ns() // 1000)
        file.replace(self._folder / f"{user}.{self._ids[user]}")
        return self._ids[user]

    def drop(self, user: str) -> None:
        """Leave `user` without a picture."""
        old = self._ids.pop(user, None)
        if old is not None:
            (self._folder / f"{user}.{old}").unlink(missing_ok=True)

    def id_of(self, user: str) -> str | None:
        """The id of the picture that `user` has now; None for none."""
        return self._ids.get(user)

    def find(self, name: str) -> Path | None:
        """The file of a picture by its name, `user.id`; None when it is not the one of now."""
        user, _, picture_id = name.partition(".")
        return self._folder / name if self._ids.get(user) == picture_id else None
