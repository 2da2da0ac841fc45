"""Responses of inference servers for the tokens of a text: one list of log-probabilities per text.

vLLM's ``prompt_logprobs`` has null for the first token of a prompt and for every other one an
object, token id to ``{logprob, rank, decoded_token}``: the token of the text, and also
the likeliest ones if they were requested.  Completions in OpenAI's form have
``logprobs.token_logprobs``, of the prompt (with ``echo``) and of the generated tokens.
"""

from collections.abc import Iterator

from tables.errors import TableError

PROMPT, TOKENS = "prompt_logprobs", "token_logprobs"

#: The token ids of a prompt, in the same record.
_IDS = "prompt_token_ids"


class Entry(float):
    """A log-probability that was in an object with its rank and token."""

    __slots__ = ()

    @classmethod
    def of(cls, found: dict) -> "Entry | None":
        """The entry that an object is, None if it is something else."""
        value = found.get("logprob")
        is_entry = found.keys() <= {"logprob", "rank", "decoded_token"}
        is_number = isinstance(value, float | int) and not isinstance(value, bool)
        return cls(value) if is_entry and is_number else None


def records_of(document: object) -> Iterator[dict]:
    """The records of a document, each prompt as a list of numbers, null where there is none.

    Raises:
        TableError: it is not a record, or does not say which number belongs to the text.
    """
    if isinstance(document, Entry):
        yield {"logprob": float(document)}
    elif isinstance(document, dict):
        yield from _of_object(document)
    elif isinstance(document, list) and document and document[0] is None:
        yield from _of_object({PROMPT: document})
    elif isinstance(document, list) and all(isinstance(x, dict | list | Entry) for x in document):
        for element in document:
            yield from records_of(element)
    else:
        raise TableError("is JSON without names: every record must be an object with names")


def _of_object(record: dict) -> Iterator[dict]:
    choices = record.get("choices")
    if isinstance(choices, list) and all(isinstance(choice, dict) for choice in choices):
        for choice in _of_completion(record, choices):
            yield from _of_object(choice)
    elif isinstance(record.get(PROMPT), list):
        yield record | {PROMPT: _of_prompt(record[PROMPT], record.get(_IDS))}
    else:
        yield record


def _of_prompt(positions: list, ids: object) -> list[float | None]:
    """The log-probability of the token of the text at each position."""
    if ids is not None and (not isinstance(ids, list) or len(ids) != len(positions)):
        raise TableError(f"has '{_IDS}' that are not one for each of '{PROMPT}'")
    return [
        _of_position(position, None if ids is None else ids[i], i + 1)
        for i, position in enumerate(positions)
    ]


def _of_position(position: object, token: int | None, number: int) -> object:
    if not isinstance(position, dict):
        return position  # null, or a number: the reader of the column checks it
    if token is None:
        if len(position) != 1:
            raise TableError(
                f"has {len(position)} tokens at position {number} of '{PROMPT}' and does not say "
                f"which of them is in the text: give '{_IDS}', or ask for prompt_logprobs=0"
            )
        (value,) = position.values()
    elif str(token) in position:
        value = position[str(token)]
    else:
        raise TableError(
            f"has no token {{}} at position {number} of '{PROMPT}', where '{_IDS}' has it", token
        )
    return float(value) if isinstance(value, Entry) else value


def _of_completion(record: dict, choices: list[dict]) -> Iterator[dict]:
    """A completion's choices as records of their prompts."""
    shared = {name: record[name] for name in ("window", PROMPT, _IDS) if name in record}
    if PROMPT in shared or any(PROMPT in choice for choice in choices):
        if PROMPT in shared:  # of chats: one for all choices
            yield shared
            return
        for choice in choices:
            yield shared | {name: choice[name] for name in (PROMPT, _IDS) if name in choice}
        return
    logprobs = [choice.get("logprobs") for choice in choices]
    lists = [found.get(TOKENS) if isinstance(found, dict) else None for found in logprobs]
    if not all(isinstance(found, list) and found for found in lists):
        raise TableError(
            f"is a completion without the log-probabilities of its prompt: ask for '{PROMPT}'"
        )
    usage = record.get("usage")
    prompt = usage.get("prompt_tokens") if isinstance(usage, dict) else None
    if any(found[0] is not None for found in lists) or sum(map(len, lists)) != prompt:
        raise TableError(
            f"has '{TOKENS}' that are not only of the prompt: ask for '{PROMPT}', or for "
            "echo=true with max_tokens=0, and keep 'usage'"
        )
    for found in lists:
        yield shared | {TOKENS: found}
