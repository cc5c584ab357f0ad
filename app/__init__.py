"""WhatsApp API Manager: one self-hosted place to run many WhatsApp accounts."""
