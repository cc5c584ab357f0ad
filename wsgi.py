"""The web server's door: `gunicorn wsgi:app`."""

from app import create_app
from app.config import load_settings
from app.logging import configure

_settings = load_settings()
configure(_settings)
app = create_app(_settings)
