"""Stages of models that others have trained."""
