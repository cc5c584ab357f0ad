"""Jobs that tell what they run in."""

from __future__ import annotations

import os
import time
from pathlib import Path

from flask import current_app

from app.config import settings_of


def note_pid(file: str) -> None:
    """Writes the running process's id to `file`."""
    fresh = Path(f"{file}.new")
    fresh.write_text(str(os.getpid()))
    fresh.rename(file)


def note_data_dir(file: str) -> None:
    """Writes the application's data folder to `file`."""
    Path(file).write_text(str(settings_of(current_app).data_dir))


def hang(file: str) -> None:
    """Notes its process and never ends by itself."""
    note_pid(file)
    time.sleep(600)
