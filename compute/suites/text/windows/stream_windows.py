"""Windows of the very stream of tokens that a model was trained on."""

from dataclasses import dataclass

import numpy as np

from compute.base.errors import InputError
from compute.suites import hub
from compute.suites.text.stream.token_stream import TokenStream
from compute.suites.text.windows.draws import distinct_draws, uniform_draws
from compute.suites.text.windows.window_source import TextModel

#: Windows whose text is measured for the bytes of a token: about half a million tokens.
_DECODED_WINDOWS = 256
_DECODED_SEED = 41


@dataclass(frozen=True)
class StreamWindows:
    """A model that was trained on the first D tokens of the stream was trained on its first
    windows; those after them it has not seen."""

    stream: TokenStream

    def open(self) -> "StreamWindows":
        """Itself: nothing is read before it is asked for."""
        return self

    def check(self, models: tuple[TextModel, ...]) -> None:
        """Refuse models that were trained on more than is there, or leave nothing held out.

        Raises:
            InputError: naming the model.
        """
        there = self.stream.windows()
        for model in models:
            if model.train_windows >= there:
                raise InputError(
                    f"{model.model_id} was trained on {model.train_windows:,} windows, and the "
                    f"stream {self.stream.address} has {there:,}: no window would be held out; "
                    "choose an earlier checkpoint."
                )

    def count(self, model: TextModel) -> int:
        """Windows of its D tokens."""
        return model.train_windows

    def read(self, indices: np.ndarray) -> np.ndarray:
        """Shape (windows, T+1), int32; fetched where they are not in the cache."""
        return self.stream.read(indices)

    def draw(self, model: TextModel, count: int, seed: int) -> np.ndarray:
        """Indices of distinct training windows in random order; a shorter draw is a prefix."""
        return distinct_draws(model.train_windows, count, seed)

    def input_counts(self, model: TextModel, vocab_size: int) -> None:
        """Unknown: the stream is never read whole."""

    def heldout(self, model: TextModel, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Windows that come after the model's in the stream, drawn independently with
        replacement; every draw is an independent unit."""
        after = self.stream.windows() - model.train_windows
        windows = self.read(model.train_windows + uniform_draws(after, count, seed))
        units = np.arange(len(windows), dtype=np.int32)
        return windows, np.broadcast_to(units[:, None], (len(windows), windows.shape[1] - 1))

    def bytes_per_token(self, model: TextModel) -> float:
        """UTF-8 bytes of what sampled windows decode to, over their tokens."""
        count = min(_DECODED_WINDOWS, model.train_windows)
        windows = self.read(uniform_draws(model.train_windows, count, _DECODED_SEED))
        texts = hub.tokenizer_of(model.source).batch_decode(windows, skip_special_tokens=False)
        return sum(len(text.encode()) for text in texts) / windows.size
