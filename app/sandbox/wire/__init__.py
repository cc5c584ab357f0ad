"""The bytes of WhatsApp's protocol: addresses, nodes, the Noise channel, websocket and TLS."""
