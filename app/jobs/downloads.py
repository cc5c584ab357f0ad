"""Downloads of files side by side in one process, so that a slow one holds up nobody else's."""

from __future__ import annotations

from functools import partial

from flask import Flask, current_app

from app.jobs import media, pictures
from app.jobs.lanes import Lanes

WIDTH = 8
"""Files that one process downloads at the same time; they wait for the network, not for it."""
_LANES = "download_lanes"
_PICTURES = "cht_", "pic_"


def fetch(media_id: str) -> None:
    """The job: hands the file to one of this process's lanes and returns at once."""
    _hand_over(media_id)


def fetch_picture(picture_id: str) -> None:
    """The job: the same for a profile picture."""
    _hand_over(picture_id)


def _hand_over(name: str) -> None:
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    if _LANES not in app.extensions:
        app.extensions[_LANES] = Lanes(partial(_fetch_in, app), width=WIDTH)
    app.extensions[_LANES].ring(name)


def stop() -> None:
    """Breaks this process's downloads off; another one begins them anew at once."""
    lanes: Lanes | None = current_app.extensions.pop(_LANES, None)
    if lanes is not None:
        lanes.stop()


def _fetch_in(app: Flask, name: str) -> bool:
    lanes: Lanes | None = app.extensions.get(_LANES)
    with app.app_context():
        if name.startswith(_PICTURES):
            pictures.fetch(name)
        else:
            media.fetch(name, stopping=lambda: lanes is None or lanes.stopping)
    return False
