"""Codes for a whole model: bytes that a decoder turns back into the evaluated weights."""
