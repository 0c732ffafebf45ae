"""Why the tenant does not do what a verb asks; the control API turns these into answers."""


class UnknownObject(LookupError):
    """No such user or group in the tenant."""


class Refused(ValueError):
    """The directory would not do that; the message says why."""
