"""The one kind of error that a person is meant to read."""


class InputError(Exception):
    """Bad input: one clear sentence that names the value and what to do about it."""
