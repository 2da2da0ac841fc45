"""Hashes of a model's files of weights, without reading or fetching them."""

from pathlib import Path

from compute.base.errors import InputError
from compute.suites.hub import files
from compute.suites.hub.failures import UnreachableError
from compute.suites.hub.revisions import cached_snapshot, commit_of
from compute.suites.hub.source import Source


def hub_answers(source: Source) -> bool:
    """Whether the hub can be asked for the files of a repository."""
    try:
        files.remote_files(source, source.revision)
    except UnreachableError:
        return False
    except InputError:  # a refusal is an answer
        return True
    return True


def weight_hashes(source: Source, ask: bool = True) -> frozenset[str] | None:
    """What the hub calls the contents of the files of weights, shard by shard.

    Where a revision holds them in two formats it is those of the format that is loaded.

    Args:
        ask: the hub, and not only the cache.

    Returns:
        None where there are none, or where neither tells.
    """
    try:
        found = _listed(source) if ask else frozenset()
    except InputError:  # fetching it will say why
        found = frozenset()
    return found or _cached(source)


def _listed(source: Source) -> frozenset[str]:
    found = files.remote_files(source, source.revision)
    return _of_one_format({name: file.blob for name, file in found.items()})


def _cached(source: Source) -> frozenset[str] | None:
    """From the names that the cache gives to contents."""
    try:
        snapshot = cached_snapshot(source, commit_of(source))
    except InputError:
        return None
    links = [] if snapshot is None else [p for p in snapshot.iterdir() if p.is_symlink()]
    return _of_one_format({p.name: Path(p.readlink()).name for p in links}) or None


def _of_one_format(blobs: dict[str, str]) -> frozenset[str]:
    for patterns in files.WEIGHT_PATTERNS:
        names = files.matching(blobs, (patterns,))
        if names:
            return frozenset(blobs[name] for name in names)
    return frozenset()
