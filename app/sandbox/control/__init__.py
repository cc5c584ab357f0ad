"""The control interface: JSON over HTTP on loopback, for tests and the demo's phone."""
