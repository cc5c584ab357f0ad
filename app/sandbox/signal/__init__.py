"""The Signal protocol, version 3, as WhatsApp devices speak it: keys, X3DH, the double ratchet."""
