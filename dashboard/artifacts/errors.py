"""What is said of artifacts, and of readers' own files, that cannot be used."""

#: What to do about a file that cannot be used.
REPAIR = (
    "restore it from where the suite came (`git checkout -- data` for the shipped one), or delete "
    "it and run `make compute` to measure it again; a published copy is made again with "
    "`make publish`"
)


class ArtifactError(Exception):
    """Artifacts that cannot be used: one clear sentence for the reader of the app."""


class UploadError(Exception):
    """A reader's own file or value that cannot be used: one clear sentence for that reader."""
