"""Stages of models that are trained here."""
