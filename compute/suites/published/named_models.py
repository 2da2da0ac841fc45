"""Models that a user names, in one suite: they share tokenizer, text and window."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from compute.base.errors import InputError
from compute.suites import hub
from compute.suites.published.hub_model import HubModel
from compute.suites.published.hub_suite import FILE, HubSuite, family_of
from compute.suites.published.own_model import own_suite
from compute.suites.text.origins import Text
from compute.suites.text.tokenizers.tokens import tokenizer_digest

T = TypeVar("T")


def named_suite(
    names: Sequence[str],
    revisions: Sequence[str],
    train_tokens: Sequence[int],
    text: Text | None,
    context_length: int | None = None,
    file: Path | None = None,
    gguf: str | None = None,
) -> HubSuite:
    """The models, smallest first.

    Args:
        names: of the models, one or more.
        revisions: one for all models, one for each, or none for ``main``.
        train_tokens: D, one for all or one for each.
        text: that they are scored on; None for that of the published suite they belong to.
        context_length: tokens of a window; None for what the models were made for.
        file: laid out as ``hub.toml`` is.
        gguf: file in the folder of the only model that holds it.

    Raises:
        InputError: as ``own_suite``, or the models cannot share a suite.
    """
    count = len(names)
    if gguf is not None and count > 1:
        raise InputError("--gguf names the file of one model; give one --model with it.")
    sources = [
        hub.Source(name, revision or "main", gguf)
        for name, revision in zip(names, _each("--revision", revisions, count), strict=True)
    ]
    tokens = _each("--train-tokens", train_tokens, count)
    suites = [
        own_suite(source, d, text, context_length, file)
        for source, d in zip(sources, tokens, strict=True)
    ]
    if count == 1:
        return suites[0]
    _check_shared(suites, file or FILE)
    models = sorted(_told_apart([s.models[0] for s in suites]), key=lambda m: m.params_total)
    return replace(
        suites[0],
        suite=f"{suites[0].suite}-and-{count - 1}-more",
        models=tuple(models),
        about=tuple(line for suite in suites for line in suite.about),
    )


def _each(flag: str, values: Sequence[T], count: int) -> list[T | None]:
    """One value for each model."""
    if len(values) <= 1:
        return [values[0] if values else None] * count
    if len(values) != count:
        raise InputError(
            f"{flag} is given {len(values)} times and --model {count} times; give it once for all "
            "models, or once for each in their order."
        )
    return list(values)


def _check_shared(suites: list[HubSuite], file: Path) -> None:
    """Refuse models whose windows are not the same tokens.

    Raises:
        InputError: naming two that differ, and in what.
    """
    first = suites[0].models[0]
    known = {family_of(suite.models[0].source.name, file) for suite in suites}
    same_family = len(known) == 1 and known != {None}
    for suite in suites[1:]:
        model = suite.models[0]
        if suite.text != suites[0].text:
            raise InputError(
                f"{first.model_id} is scored on {suites[0].text.label} and {model.model_id} on "
                f"{suite.text.label}; name one text for all models with --dataset or --corpus, or "
                "measure them in suites of their own."
            )
        if model.context_length != first.context_length:
            shorter = min(model.context_length, first.context_length)
            raise InputError(
                f"Windows of {first.model_id} have {first.context_length} tokens and those of "
                f"{model.model_id} {model.context_length}; give --context {shorter}."
            )
        if model.vocab_size != first.vocab_size:
            raise InputError(
                f"{first.model_id} predicts {first.vocab_size:,} tokens and {model.model_id} "
                f"{model.vocab_size:,}; measure them in suites of their own."
            )
        if same_family:
            continue
        one, other = (tokenizer_digest(hub.tokenizer_of(m.source)) for m in (first, model))
        if one != other:
            raise InputError(
                f"{first.model_id} and {model.model_id} have different tokenizers, so their losses "
                "are not of the same tokens; measure them in suites of their own."
            )


def _told_apart(models: list[HubModel]) -> list[HubModel]:
    """Models under names of their own: two revisions of one are told apart by it.

    Raises:
        InputError: two are the same, or have the same name.
    """
    named = Counter(model.model_id for model in models)
    found = [
        replace(m, model_id=f"{m.model_id}-{m.source.revision.replace('/', '-')}")
        if named[m.model_id] > 1 and not m.model_id.endswith(f"-{m.source.revision}")
        else m
        for m in models
    ]
    name, times = Counter(model.model_id for model in found).most_common(1)[0]
    if times > 1:
        raise InputError(
            f"Two of the models are called {name}; name each once, or put them in suites of their "
            "own with --suite."
        )
    return found
