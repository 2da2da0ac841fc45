"""The error whose text is for the user."""


class InputError(Exception):
    """Bad input: one clear sentence that names the value and what to do about it."""
