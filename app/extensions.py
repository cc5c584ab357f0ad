"""The shared objects that the app factory binds to an application."""

from __future__ import annotations

from flask_babel import Babel
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect

from app.models.base import Base

db = SQLAlchemy(model_class=Base, disable_autonaming=True)
babel = Babel()
login_manager = LoginManager()
csrf = CSRFProtect()
limiter = Limiter(
    get_remote_address,
    in_memory_fallback_enabled=True,  # a Redis that is away never locks anybody out
    swallow_errors=True,
)
