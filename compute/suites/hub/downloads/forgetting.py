"""Making room: a revision out of the hub's cache."""

from pathlib import Path

from huggingface_hub import scan_cache_dir

from compute.base.errors import InputError
from compute.suites.hub.revisions import repository_cache
from compute.suites.hub.source import Source, local_folder


def forget(source: Source) -> None:
    """Drop this revision from the hub's cache: all that no other revision there uses.

    A folder, and a revision that is not in the cache, are left alone.  Not to be called while
    another process fetches the same repository: content that both share might go.

    Raises:
        InputError: the cache's folder of the repository is damaged, so that nothing can be told.
    """
    if local_folder(source) is not None:
        return
    cache = repository_cache(source)
    if not cache.is_dir():
        return
    _complete_references(cache)
    scanned = scan_cache_dir(cache.parent)
    found = [repo for repo in scanned.repos if repo.repo_path.resolve() == cache.resolve()]
    if not found:
        reasons = [str(warning) for warning in scanned.warnings if cache.name in str(warning)]
        raise InputError(
            f"The hub's cache of {source.name} is damaged ({'; '.join(reasons)}): delete the "
            f"folder {cache}."
        )
    commits = [
        revision.commit_hash
        for revision in found[0].revisions
        if source.revision in (revision.commit_hash, *revision.refs)
    ]
    if commits:
        scanned.delete_revisions(*commits).execute()


def _complete_references(cache: Path) -> None:
    """Give every revision that was looked up a folder of its commit, if only an empty one.

    Looking a revision up writes its reference before any file is fetched; a reference without a
    folder counts as damage when the cache is scanned, and nothing could be dropped.
    """
    for reference in (cache / "refs").rglob("*"):
        if reference.is_file():
            commit = reference.read_text().strip()
            (cache / "snapshots" / commit).mkdir(parents=True, exist_ok=True)
