"""The shared objects that the app factory binds to an application."""

from __future__ import annotations

from flask_babel import Babel
from flask_login import LoginManager
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect

from app.models.base import Base

db = SQLAlchemy(model_class=Base, disable_autonaming=True)
babel = Babel()
login_manager = LoginManager()
csrf = CSRFProtect()
