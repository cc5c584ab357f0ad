"""What can go wrong when a Signal message is encrypted or decrypted."""


class SignalError(Exception):
    """The base of all errors of this package."""


class NoSession(SignalError):
    """There is no session with that address: fetch a bundle, or ask the sender for a retry."""


class OldCounter(SignalError):
    """The message's key was used or dropped already: a duplicate, or a sender that rolled back."""


class BadMessage(SignalError):
    """The bytes are no message of a session we have, or were changed on the way."""
