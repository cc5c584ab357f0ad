"""When each piece of periodic work is due."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class Tick(Base):
    """The next run of one piece of periodic work; a clock claims it by moving `due_at` on."""

    __tablename__ = "ticks"

    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    due_at: Mapped[datetime]
