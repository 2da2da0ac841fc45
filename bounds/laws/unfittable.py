"""The error of data that cannot identify a law."""


class UnfittableError(ValueError):
    """The data cannot identify the law; the message says why."""
