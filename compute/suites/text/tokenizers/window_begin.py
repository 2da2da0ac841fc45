"""What a window of a stand-in text begins with, as the model's own texts begin."""

from transformers import PreTrainedTokenizerBase

from compute.suites.text.tokenizers.tokens import text_prefix


def window_begin(
    tokenizer: PreTrainedTokenizerBase, vocab_size: int
) -> tuple[int | None, str | None]:
    """The token that the tokenizer puts before every text, and a remark on it.

    A model that never saw a text without this token predicts badly without it.  Windows that begin
    with it predict the same tokens: it takes the place of the one that is only context.

    Args:
        vocab_size: V, tokens that the model knows.

    Returns:
        (None, None) where the tokenizer adds nothing; no token and a remark where what it adds
        cannot take the place of one token.
    """
    prefix = text_prefix(tokenizer)
    if not prefix:
        return None, None
    names = " ".join(map(str, tokenizer.convert_ids_to_tokens(list(prefix))))
    if len(prefix) > 1:
        return None, f"windows do not begin with {names}, which the tokenizer puts before a text"
    if prefix[0] >= vocab_size:
        return None, f"windows do not begin with {names}, which the model does not know"
    return prefix[0], f"every window begins with {names}, as context only: it is never predicted"
