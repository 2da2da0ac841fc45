"""Which commit a revision stands for, and what the hub's cache holds of it."""

import hashlib
from pathlib import Path

from huggingface_hub import HfApi, constants, is_offline_mode, snapshot_download
from huggingface_hub.errors import LocalEntryNotFoundError
from huggingface_hub.file_download import repo_folder_name

from compute.suites.hub.failures import explained
from compute.suites.hub.source import Source, local_folder


def commit_of(source: Source) -> str:
    """The commit that the revision stands for; of a folder, a digest of the names, sizes and
    times of its files.

    Where the hub cannot be asked it is the commit that it named last.

    Raises:
        InputError: no such folder, repository or revision; no access; or the hub cannot be asked,
            and never was.
    """
    folder = local_folder(source)
    if folder is not None:
        files = sorted(path for path in folder.iterdir() if path.is_file())
        if source.gguf is not None:
            files = [folder / source.gguf]
        states = [(path.name, path.stat()) for path in files]
        lines = [f"{name}\t{s.st_size}\t{s.st_mtime_ns}\n" for name, s in states]
        return hashlib.sha256("".join(lines).encode()).hexdigest()
    with explained(source):
        return (
            HfApi()
            .resolve_revision(
                source.name, revision=source.revision, local_files_only=is_offline_mode()
            )
            .resolved
        )


def repository_cache(source: Source) -> Path:
    """Folder of the hub's cache with all that is kept of the repository; it need not exist."""
    return Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=source.name, repo_type="model")


def cached_snapshot(source: Source, commit: str) -> Path | None:
    """The cache's folder of this commit, complete or not, or None."""
    try:
        # No pattern, no file that must be there.
        return Path(
            snapshot_download(
                source.name, revision=commit, local_files_only=True, allow_patterns=[]
            )
        )
    except LocalEntryNotFoundError:
        return None
