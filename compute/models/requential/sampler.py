"""Windows drawn side by side from a GPT-NeoX model, one token of each at a time.

The loop of transformers costs milliseconds of Python for every token; these models need less than
one for the arithmetic, so the forward pass of one token is written out here.  Keys and values of
earlier tokens stay in buffers that are made once.
"""

import math
from collections.abc import Mapping

import torch
from torch.nn.functional import gelu, layer_norm
from transformers import GPTNeoXConfig


class Sampler:
    """Draws windows from models of one shape.

    Attributes:
        config: the shape; parallel residual, as every model of the ladder has it.
        windows: the most that are drawn side by side.
        context: tokens of a window after its first.
    """

    def __init__(
        self, config: GPTNeoXConfig, windows: int, context: int, device: torch.device
    ) -> None:
        if not config.use_parallel_residual or config.hidden_act != "gelu":
            raise ValueError("only GPT-NeoX with parallel residual and GELU is drawn from")
        self.config, self.windows, self.context, self.device = config, windows, context, device
        self._head = config.hidden_size // config.num_attention_heads
        rope = config.rope_parameters
        dimensions = int(self._head * rope["partial_rotary_factor"])
        halves = torch.arange(0, dimensions, 2, device=device).float() / dimensions
        places = torch.arange(context, device=device).float()[:, None]
        angles = (places / rope["rope_theta"] ** halves).repeat(1, 2)  # (context, rotated)
        self._rotated = angles.shape[1]  # one more than an odd number of dimensions
        self._cos, self._sin = angles.cos(), angles.sin()
        shape = (config.num_hidden_layers, windows, config.num_attention_heads, context, self._head)
        self._keys = torch.zeros(shape, device=device)
        self._values = torch.zeros(shape, device=device)

    @torch.inference_mode()
    def draw(
        self,
        weights: Mapping[str, torch.Tensor],
        first: torch.Tensor,
        generator: torch.Generator,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Draw the tokens after ``first``, each from the model's own prediction at temperature 1.

        The prediction is the float64 softmax of float32 logits, and its cumulative sum is inverted
        at a uniform number of 53 bits.  What counts as the probability of a token is the width of
        its interval there, rounded up by what that grid of numbers can add to it.

        Args:
            weights: parameters of the model by their names in transformers, float32.
            first: shape (windows,), int64, no more than ``self.windows``.
            generator: of the uniform numbers, on the CPU whatever the device is.

        Returns:
            Tokens of shape (windows, context + 1), int64, the first of them given; and the natural
            logarithm of the probability that each of the others was drawn with, shape
            (windows, context), float64.
        """
        count = len(first)
        tokens = torch.empty(count, self.context + 1, dtype=torch.int64, device=self.device)
        logs = torch.empty(count, self.context, dtype=torch.float64, device=self.device)
        tokens[:, 0] = first
        shape = (self.context, count, 1)
        uniform = torch.rand(shape, dtype=torch.float64, generator=generator).to(self.device)
        for place in range(self.context):
            logits = self.logits(weights, tokens[:, place], place)
            predicted = torch.softmax(logits.double(), dim=-1)  # (windows, V)
            cumulative = predicted.cumsum(dim=-1)
            total = cumulative[:, -1:]
            drawn = torch.searchsorted(cumulative, uniform[place] * total, right=True)
            drawn = drawn.clamp(max=cumulative.shape[-1] - 1)
            before = cumulative.gather(-1, (drawn - 1).clamp(min=0)).where(drawn > 0, 0.0)
            width = (cumulative.gather(-1, drawn) - before) / total
            tokens[:, place + 1] = drawn[:, 0]
            logs[:, place] = (width + 2.0**-51).log()[:, 0]
        return tokens, logs

    @torch.inference_mode()
    def logits(
        self, weights: Mapping[str, torch.Tensor], tokens: torch.Tensor, place: int
    ) -> torch.Tensor:
        """Logits after ``tokens``, shape (windows,), at one place of their windows.

        Those of all earlier places must have been computed before, with the same weights.

        Returns:
            Shape (windows, V), float32.
        """
        x = weights["gpt_neox.embed_in.weight"][tokens]  # (windows, width)
        for layer in range(self.config.num_hidden_layers):
            own = f"gpt_neox.layers.{layer}."
            normed = self._norm(weights, f"{own}input_layernorm", x)
            attended = self._attention(weights, f"{own}attention.", normed, layer, place)
            inner = self._norm(weights, f"{own}post_attention_layernorm", x)
            inner = gelu(_linear(weights, f"{own}mlp.dense_h_to_4h", inner))
            x = x + attended + _linear(weights, f"{own}mlp.dense_4h_to_h", inner)
        x = self._norm(weights, "gpt_neox.final_layer_norm", x)
        return x @ weights["lm_head.weight"].T

    def _norm(self, weights: Mapping, name: str, x: torch.Tensor) -> torch.Tensor:
        scale, shift = weights[f"{name}.weight"], weights[f"{name}.bias"]
        return layer_norm(x, x.shape[-1:], scale, shift, self.config.layer_norm_eps)

    def _attention(
        self, weights: Mapping, own: str, x: torch.Tensor, layer: int, place: int
    ) -> torch.Tensor:
        """Attend from one place to itself and all before it; shapes (windows, width)."""
        count = len(x)
        joint = _linear(weights, f"{own}query_key_value", x)
        joint = joint.view(count, self.config.num_attention_heads, 3 * self._head)
        query, key, value = joint.split(self._head, dim=-1)  # (windows, heads, head) each
        keys = self._keys[layer, :count, :, : place + 1]
        values = self._values[layer, :count, :, : place + 1]
        keys[:, :, place] = self._turned(key, place)
        values[:, :, place] = value
        scores = keys @ self._turned(query, place)[..., None] / math.sqrt(self._head)
        attention = torch.softmax(scores, dim=-2)  # (windows, heads, places, 1)
        mixed = attention.mT @ values
        return _linear(weights, f"{own}dense", mixed.reshape(count, -1))

    def _turned(self, x: torch.Tensor, place: int) -> torch.Tensor:
        """The rotary embedding of one place on the first entries of each head."""
        turned, rest = x[..., : self._rotated], x[..., self._rotated :]
        half = self._rotated // 2
        swapped = torch.cat([-turned[..., half:], turned[..., :half]], dim=-1)
        return torch.cat([turned * self._cos[place] + swapped * self._sin[place], rest], dim=-1)


def _linear(weights: Mapping, name: str, x: torch.Tensor) -> torch.Tensor:
    return torch.addmm(weights[f"{name}.bias"], x, weights[f"{name}.weight"].T)
