"""Errors of artifacts and of uploaded files that cannot be used."""

#: How to repair a file that cannot be used.
REPAIR = (
    "restore it from the source of the suite (`git checkout -- data` for the shipped one), or "
    "delete it and run `make compute`; `make publish` writes a published copy again"
)


class ArtifactError(Exception):
    """Artifacts that cannot be used: one clear sentence for the visitor."""


class UploadError(Exception):
    """An uploaded file or a value that cannot be used: one clear sentence for the visitor."""
