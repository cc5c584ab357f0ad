"""A small typed client for the JSON API of WhatsApp API Manager."""

from whatsapp_manager.client import Client
from whatsapp_manager.errors import ApiError

__all__ = ["ApiError", "Client"]
