"""Any causal language model that a user names: a suite of one."""

from dataclasses import replace
from pathlib import Path

from compute.base.errors import InputError
from compute.base.setting import Setting
from compute.suites import hub
from compute.suites.published.hub_model import HubModel
from compute.suites.published.hub_suite import (
    FILE,
    HubSuite,
    check_train_tokens,
    family_model,
    family_of,
    load_effort,
)
from compute.suites.text.origins import StreamText, Text
from compute.suites.text.tokenizers.tokens import known_ids
from compute.suites.text.tokenizers.window_begin import window_begin

#: Tokens of a window, unless the model was made for fewer or a person says otherwise.
CONTEXT = 2048


def own_suite(
    source: hub.Source,
    train_tokens: int | None,
    text: Text | None,
    context_length: int | None = None,
    file: Path | None = None,
) -> HubSuite:
    """One model with everything that can be known of it before its weights are there.

    Args:
        source: of the model.
        train_tokens: D.
        text: that it is scored on; None for that of the published suite it belongs to.
        context_length: tokens of a window; None for what the model was made for, at most 2048.
        file: laid out as ``hub.toml`` is.

    Raises:
        InputError: D or the text is missing, D does not fill one window, the model cannot be had or
            is not a causal one, or its context is shorter than asked for.
    """
    file = file or FILE
    if train_tokens is None or train_tokens < 1:
        raise InputError(
            "--model needs --train-tokens D, a positive number: how many tokens it was trained on."
        )
    effort = load_effort(file=file)
    if (text is None or isinstance(text, StreamText)) and family_of(source.name, file):
        model, text = family_model(source, train_tokens, text, file, context_length)
        return HubSuite(_slug(model.model_id), (model,), text, effort)
    if text is None:
        raise InputError(
            f"{source.name} belongs to no suite whose training text is known; say what to score it "
            "on with --stream ADDRESS (its own tokens), --dataset NAME or --corpus FOLDER."
        )
    config = hub.config_of(source)
    for name in ("vocab_size", "hidden_size", "num_hidden_layers"):
        if not isinstance(getattr(config, name, None), int):
            raise InputError(
                f"The configuration of {source.name} ({config.model_type}) says no {name} of its "
                "own: models of more than text are not supported."
            )
    tokenizer = hub.tokenizer_of(source)
    longest = getattr(config, "max_position_embeddings", None)
    context = context_length or min(longest or CONTEXT, CONTEXT)
    if context < 2 or (longest is not None and context > longest):
        raise InputError(
            f"Windows of {context} tokens cannot be scored by {source.name}, whose context has "
            f"{longest}; give --context from 2 to {longest}."
        )
    check_train_tokens(train_tokens, context)
    vocab_size = min(known_ids(tokenizer), config.vocab_size)
    config = hub.with_true_ends(source, config)
    embedding, nonembedding = hub.parameter_counts_of(config)
    exact = isinstance(text, StreamText)
    begin, remark = (None, None) if exact else window_begin(tokenizer, vocab_size)
    folder = Path(source.name).expanduser()
    name = _slug(folder.resolve().name if folder.is_dir() else source.name)
    stored = None
    if source.gguf is not None:
        name = _slug(source.gguf.removesuffix(".gguf"))
        stored = hub.declared(folder / source.gguf)
        settings = (Setting("gguf", bits=stored.bits), *effort.settings)
        effort = replace(effort, settings=settings)
    model = HubModel(
        model_id=name if source.revision == "main" else f"{name}-{_slug(source.revision)}",
        source=source,
        train_tokens=train_tokens,
        context_length=context,
        vocab_size=vocab_size,
        params_embedding=embedding,
        params_nonembedding=nonembedding,
        config=config,
        corpus=text.label if exact else "its own training text",
        stand_in=None if exact else text.label,
        window_begin=begin,
        file=stored,
        content=hub.commit_of(source),
    )
    about = () if remark is None else (f"In {model.model_id} {remark}",)
    return HubSuite(name, (model,), text, effort, about)


def _slug(name: str) -> str:
    """For file names: ``pythia-70m`` of ``EleutherAI/pythia-70m``."""
    last = name.rstrip("/").rpartition("/")[2].lower()
    return "".join(c if c.isalnum() or c in "-_." else "-" for c in last).strip(".-") or "model"
