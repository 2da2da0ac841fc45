"""The meaning of an HTTP status for reading a shard, and what to do about it."""

from collections.abc import Mapping


def refusal(address: str, name: str, url: str, status: int, headers: Mapping[str, str]) -> str:
    """One sentence on a final status other than 206, for the shard ``name`` of ``address``."""
    hub = address.startswith("hf://")
    if status == 200:
        return (
            f"{url} of {address} ignores range requests and would send the whole file; use a "
            "server that supports them, or copy the shards and give their folder."
        )
    if status in (401, 403):
        return _forbidden(address, url, status, hub)
    if status == 404:
        return _missing(address, name, url, hub, headers.get("X-Error-Code"))
    return f"{url} of {address} answers with status {status}; correct the address."


def _forbidden(address: str, url: str, status: int, hub: bool) -> str:
    if hub:
        return (
            f"The hub refuses {url} (status {status}); if {address} is gated or private, accept "
            "its terms on its page and log in with `hf auth login` or set HF_TOKEN, else correct "
            "its name."
        )
    return f"{url} of {address} may not be read (status {status}); ask its owner for access."


def _missing(address: str, name: str, url: str, hub: bool, code: str | None) -> str:
    if hub and code == "RevisionNotFound":
        return f"{address} has no such revision ({url} is not found); correct the part after @."
    if hub and code == "RepoNotFound":
        return (
            f"The hub has no dataset {address} ({url} is not found); correct its name, or, if it "
            "is private, log in with `hf auth login` or set HF_TOKEN."
        )
    return (
        f"The shard {name} of {address} is missing ({url} is not found); correct the address or "
        "the number of shards."
    )
