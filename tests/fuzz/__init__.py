"""Schemathesis against the running product on the test network: `make fuzz`, and a minute of it in
the suite."""
