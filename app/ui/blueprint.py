"""The one blueprint of all pages."""

from __future__ import annotations

from flask import Blueprint

from app.security import protect_cookie_request

bp = Blueprint("ui", __name__)
bp.before_request(protect_cookie_request)
