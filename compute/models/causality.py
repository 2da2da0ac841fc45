"""Check that a model predicts each token only from those before it."""

import torch
from transformers import PreTrainedModel

#: Tokens of the probe, or the whole context of a shorter model.
_TOKENS = 32

#: Largest change of an earlier logit by another order of sums, relative to their spread.
_ROUNDING = 1e-3


@torch.inference_mode()
def check_causal(model: PreTrainedModel, vocab_size: int, context: int) -> None:
    """Change the later half of some tokens, and check that earlier predictions do not change.

    A prediction that sees its own target would make every bound too small.

    Args:
        model: in evaluation mode.
        vocab_size: V.
        context: tokens of a window, at least 2.

    Raises:
        ValueError: they change, or are not finite, so that the check is impossible.
    """
    length = min(_TOKENS, context)
    half = length // 2
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(vocab_size, (1, length), generator=generator)
    other = ids.clone()
    other[0, half:] = (other[0, half:] + 1) % vocab_size
    device = model.get_input_embeddings().weight.device
    before, after = (
        model(tokens.to(device), use_cache=False).logits[0, :half, :vocab_size].float()
        for tokens in (ids, other)
    )
    if not (torch.isfinite(before).all() and torch.isfinite(after).all()):
        raise ValueError("its predictions are not finite: its weights are damaged")
    change, spread = (before - after).abs().max().item(), before.std().item()
    if change > _ROUNDING * max(spread, 1e-6):
        raise ValueError(
            f"it is not a causal model: its predictions change by {change:.2g} with tokens that "
            "come after them"
        )
