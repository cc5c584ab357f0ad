"""A WhatsApp test network: the wire protocol, phones and contacts. Imports nothing else of app."""
