"""The address of artifacts: of one suite's folder, or of a folder of suites with a manifest."""

import os
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

import schema
from dashboard.artifacts.errors import ArtifactError
from dashboard.style.escaping import quoted

#: The environment variable that names a folder or an address.
VARIABLE = "BOUNDSCAPE_DATA"

_PROTOCOLS = ("https", "http", "s3", "hf")
_PART = r"[\w-][\w.-]*"
_REPOSITORY = re.compile(
    rf"hf://(?!(?:datasets|spaces)/[^/]*$)((?:datasets/|spaces/)?{_PART}/{_PART})"
    r"(?:@([\w.%-]+))?((?:/[^/@]+)*)"
)
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Address:
    """A folder that is reached through a network.

    Attributes:
        url: of the folder as it was given, without a slash at its end.
        folder: prefix of file paths, as fsspec expects it.
        protocol: ``https``, ``s3``, ``hf``, or ``http`` of this machine.
        place: owner of the folder, for sentences: host, bucket or repository.
        name: of the suite if the folder is that of one suite.
    """

    url: str
    folder: str
    protocol: str
    place: str
    name: str


def is_address(location: str) -> bool:
    """Whether this is meant as an address and not as a path."""
    return "://" in location


def on_this_machine(parts: SplitResult) -> bool:
    """Whether an address leads to this machine, so that no one can intercept it."""
    return parts.hostname in _THIS_MACHINE


def parse_address(location: str) -> Address:
    """The address in the environment.

    Raises:
        ArtifactError: artifacts cannot be fetched from there.
    """
    url = location.strip().removesuffix(f"/{schema.MANIFEST}").rstrip("/")
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        raise _refused(location, "is not an address") from None
    if parts.scheme not in _PROTOCOLS:
        raise _refused(location, "does not begin with https://, s3:// or hf://")
    if not host or not url.isprintable() or " " in url:
        raise _refused(location, "is not the address of a folder")
    if parts.scheme == "http" and not on_this_machine(parts):
        raise _refused(location, "is not encrypted: anyone in between could change the numbers")
    if parts.query or parts.fragment:
        raise _refused(location, "ends in a query, but files are found below the address")
    if parts.scheme == "hf":
        return _on_the_hub(url)
    if "@" in parts.netloc:
        raise _refused("…", "contains a user or a password, which visitors might see")
    place = f"{parts.scheme}://{parts.netloc}"
    return Address(url, url, parts.scheme, place, _name(f"{parts.netloc}{parts.path}"))


def _on_the_hub(url: str) -> Address:
    """The web address of a file on the hub."""
    found = _REPOSITORY.fullmatch(url)
    if not found:
        raise _refused(
            url,
            "is not hf://datasets/ORG/NAME, hf://spaces/ORG/NAME or hf://ORG/NAME, optionally "
            "with @REVISION and a folder",
        )
    repository, revision, folder = found[1], found[2] or "main", found[3] or ""
    endpoint = os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")
    files = f"{endpoint}/{repository}/resolve/{revision}{folder}"
    return Address(url, files, "hf", f"hf://{repository}", _name(folder or repository))


def _name(path: str) -> str:
    last = unquote(path.rpartition("/")[2])
    name = re.sub(r"[^\w.-]", "-", last).lstrip(".-")
    return name if schema.SUITE_NAME.fullmatch(name) else "suite"


def _refused(location: str, why: str) -> ArtifactError:
    return ArtifactError(
        f"The artifacts cannot be fetched: the address {quoted(location)} in {VARIABLE} {why}. "
        "Name a folder, or an address such as https://HOST/FOLDER, s3://BUCKET/FOLDER or "
        "hf://datasets/ORG/NAME."
    )
