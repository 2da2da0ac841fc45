"""Models of the Hugging Face hub: what they are, their files, and whether these are whole.

The hub's own variables hold: ``HF_HOME``, ``HF_HUB_CACHE``, ``HF_HUB_OFFLINE``, ``HF_ENDPOINT``
and ``HF_TOKEN``.  Every failure is an ``InputError``.
"""

from compute.hub.ends import with_true_ends
from compute.hub.failures import UnreachableError
from compute.hub.fetching import fetch, missing_bytes, weight_files
from compute.hub.forgetting import forget
from compute.hub.gguf import Declared, declared, decoded_model
from compute.hub.hashes import hub_answers, weight_hashes
from compute.hub.reading import config_of, tokenizer_of
from compute.hub.source import Source, commit_of
from compute.hub.verification import verify
from compute.parameter_counts import parameter_counts_of

__all__ = [
    "Declared",
    "Source",
    "UnreachableError",
    "commit_of",
    "config_of",
    "declared",
    "decoded_model",
    "fetch",
    "forget",
    "hub_answers",
    "missing_bytes",
    "parameter_counts_of",
    "tokenizer_of",
    "verify",
    "weight_files",
    "weight_hashes",
    "with_true_ends",
]
