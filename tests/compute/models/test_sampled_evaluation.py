"""Losses at drawn positions against those of all logits, for every architecture."""

import copy

import numpy as np
import pytest
import torch
from transformers.modeling_outputs import CausalLMOutput

from compute.base.setting import Setting
from compute.models import sampled_evaluation
from compute.models.layout import layout
from compute.models.placement import cast, dtype_name
from compute.models.sampled_evaluation import batch_windows, score_positions
from compute.quantize import coded_model, codes
from compute.quantize.whole_model import quantize_model
from compute.suites.text.windows.draws import drawn_positions
from tests.compute.helpers.published_runs import plain_losses
from tests.tiny_models import CONTEXT, TOKENS_USED, tiny_gpt2, tiny_llama, tiny_neox, train

MODELS = {
    "neox": tiny_neox,
    "gpt2": tiny_gpt2,
    "llama": tiny_llama,
    "tied llama": lambda seed: tiny_llama(seed, tied=True),
}


def random_windows(count: int, seed: int = 0) -> np.ndarray:
    """Tokens of very uneven frequency, so that models learn something."""
    chances = 1.0 / np.arange(1, TOKENS_USED + 1)
    rng = np.random.default_rng(seed)
    return rng.choice(TOKENS_USED, (count, CONTEXT + 1), p=chances / chances.sum())


@pytest.fixture(scope="module", params=MODELS)
def model(request):
    """Lightly trained, so that predictions are neither uniform nor alike."""
    made = MODELS[request.param](seed=3)
    train(made, torch.from_numpy(random_windows(96)[:, :CONTEXT]))
    return made


@pytest.fixture
def windows() -> np.ndarray:
    return random_windows(150, seed=1)


@pytest.mark.parametrize("kept", [1, 5, CONTEXT])
def test_drawn_positions_have_the_losses_of_all_logits(model, windows, kept):
    """150 windows are two batches; positions differ from window to window."""
    positions = drawn_positions(len(windows), kept, CONTEXT, seed=kept)
    losses, entropies = plain_losses(model, windows, TOKENS_USED)
    counted = []
    found = score_positions(model, windows, positions, TOKENS_USED, counted.append)
    for got, expected in ((found.loss_nats, losses), (found.entropy_nats, entropies)):
        assert got.dtype == np.float64
        assert got == pytest.approx(np.take_along_axis(expected, positions, axis=1), abs=2e-5)
    assert np.array_equal(found.positions, positions)
    assert counted[-1] == windows.shape[0] * CONTEXT
    assert counted == sorted(counted)


def test_the_output_layer_works_at_the_drawn_positions_alone(model, windows):
    """Short windows fill a batch with so many that together they draw every position."""
    made = []
    handle = model.get_output_embeddings().register_forward_hook(
        lambda module, args, logits: made.append(logits.shape[0] * logits.shape[1])
    )
    positions = drawn_positions(len(windows), 4, CONTEXT, seed=0)
    score_positions(model, windows, positions, TOKENS_USED)
    handle.remove()
    assert sum(made) == positions.size
    assert len(np.unique(positions)) == CONTEXT


def test_many_tokens_in_the_vocabulary_make_smaller_batches_and_the_same_losses(
    model, windows, monkeypatch
):
    positions = drawn_positions(len(windows), 4, CONTEXT, seed=0)
    whole = score_positions(model, windows, positions, TOKENS_USED)
    assert batch_windows(CONTEXT, 4, model.config.vocab_size, "cpu") > 7
    limit = 7 * 4 * model.config.vocab_size
    monkeypatch.setitem(sampled_evaluation.BATCH_LOGITS, "cpu", limit)
    assert batch_windows(CONTEXT, 4, model.config.vocab_size, "cpu") == 7
    split = score_positions(model, windows, positions, TOKENS_USED)
    assert split.loss_nats == pytest.approx(whole.loss_nats, abs=2e-5)


@pytest.mark.parametrize("position", [0, 7, CONTEXT - 1])
def test_any_single_position_may_be_asked_for(model, windows, position):
    positions = np.full((len(windows), 1), position)
    found = score_positions(model, windows, positions, TOKENS_USED)
    expected = plain_losses(model, windows, TOKENS_USED)[0][:, position]
    assert found.loss_nats[:, 0] == pytest.approx(expected, abs=2e-5)


def by_length(seed: int):
    """A model that goes by the length of what it is run on, as rotary scalings do."""
    model = tiny_neox(seed)
    forward = model.forward

    def other(input_ids, **options):
        logits = forward(input_ids, **options).logits
        return CausalLMOutput(logits=logits * (1 + 20 * input_ids.shape[1] / CONTEXT))

    model.forward = other
    return model


@pytest.mark.parametrize("made", [by_length, tiny_llama])
def test_a_loss_is_of_its_window_and_position_whatever_else_is_scored(made, windows):
    """Other windows of the batch are asked at late positions, at early ones, or are others."""
    model = made(3)
    early = np.full((len(windows), 1), CONTEXT // 2 - 1)
    mixed, others = early.copy(), windows.copy()
    mixed[1:] = CONTEXT - 1
    others[1:] = others[1:][::-1]
    alone = score_positions(model, windows[:1], early[:1], TOKENS_USED)
    for ids, positions in ((windows, early), (windows, mixed), (others, mixed)):
        found = score_positions(model, ids, positions, TOKENS_USED)
        assert found.loss_nats[0] == pytest.approx(alone.loss_nats[0], abs=2e-5)
        assert found.entropy_nats[0] == pytest.approx(alone.entropy_nats[0], abs=2e-5)
    cut = plain_losses(model, windows[:1, : CONTEXT // 2 + 1], TOKENS_USED)[0][0, -1]
    assert (abs(cut - alone.loss_nats[0, 0]) > 1e-3) == (made is by_length)


def test_padded_logits_take_no_part_in_the_softmax(windows):
    model = tiny_neox(seed=3)
    positions = drawn_positions(len(windows), 4, CONTEXT, seed=0)
    before = score_positions(model, windows, positions, TOKENS_USED)
    with torch.no_grad():
        model.get_output_embeddings().weight[TOKENS_USED:] *= 1e4
    after = score_positions(model, windows, positions, TOKENS_USED)
    assert np.array_equal(before.loss_nats, after.loss_nats)
    assert np.array_equal(before.entropy_nats, after.entropy_nats)
    with_padding = score_positions(model, windows, positions, model.config.vocab_size)
    assert not np.allclose(with_padding.loss_nats, before.loss_nats, atol=1.0)


def test_padded_logits_that_are_infinite_do_no_harm(windows):
    model = tiny_neox(seed=3)
    positions = drawn_positions(len(windows), 4, CONTEXT, seed=0)
    before = score_positions(model, windows, positions, TOKENS_USED)
    with torch.no_grad():
        model.get_output_embeddings().weight[TOKENS_USED:] = float("inf")
    after = score_positions(model, windows, positions, TOKENS_USED)
    assert np.array_equal(before.loss_nats, after.loss_nats)


def answering(model, change):
    """The model with other logits: ``change(all of them, positions asked for)``, which no output
    layer of its own makes."""
    wrapped = copy.deepcopy(model)
    forward = copy.deepcopy(model).forward

    def other(input_ids, logits_to_keep=0, **options):
        return CausalLMOutput(logits=change(forward(input_ids, **options).logits, logits_to_keep))

    wrapped.forward = other
    return wrapped


@pytest.mark.parametrize("kept", [1, 3, CONTEXT])
def test_a_model_that_makes_all_logits_whatever_it_is_asked_is_scored_alike(model, windows, kept):
    """The first rows of all logits would be predictions of other tokens."""
    positions = drawn_positions(len(windows), kept, CONTEXT, seed=5)
    if kept == 1:
        positions = np.maximum(positions, 20)  # the first ones are asked for in no window
    careless = answering(model, lambda logits, places: logits)
    found = score_positions(careless, windows, positions, TOKENS_USED)
    expected = np.take_along_axis(plain_losses(model, windows, TOKENS_USED)[0], positions, axis=1)
    assert found.loss_nats == pytest.approx(expected, abs=2e-5)


@pytest.mark.parametrize(
    "change",
    [
        lambda logits, places: logits[:, -1:],
        lambda logits, places: logits[:, places][:, :-1],
        lambda logits, places: logits[:, places].repeat(1, 1, 2)[..., : TOKENS_USED - 1],
        lambda logits, places: logits[:1, places],
    ],
    ids=["the last", "one too few", "too few tokens", "one window"],
)
def test_logits_of_an_unexpected_shape_are_refused(model, windows, change):
    positions = drawn_positions(len(windows), 3, CONTEXT, seed=5)
    with pytest.raises(ValueError, match=r"gives logits of shape .* it cannot be scored"):
        score_positions(answering(model, change), windows, positions, TOKENS_USED)


def test_a_token_of_another_vocabulary_is_refused(model, windows):
    windows[3, 4] = TOKENS_USED
    with pytest.raises(ValueError, match="holds the token 300, and the model predicts 300"):
        score_positions(model, windows, drawn_positions(150, 2, CONTEXT, 0), TOKENS_USED)


def test_a_loss_that_is_not_finite_is_refused(windows):
    model = tiny_neox(seed=3)
    with torch.no_grad():
        model.get_output_embeddings().weight[5] = float("nan")
    with pytest.raises(ArithmeticError, match="not finite"):
        score_positions(model, windows, drawn_positions(150, 2, CONTEXT, 0), TOKENS_USED)


# Arithmetic of a GPU, on this processor.


def test_parameters_are_cast_and_buffers_are_not(model):
    there = copy.deepcopy(model)
    buffers = {name: buffer.clone() for name, buffer in there.named_buffers()}
    names = [name for name, _ in there.named_parameters()]
    assert cast(there, torch.bfloat16) is there
    assert [name for name, _ in there.named_parameters()] == names  # a tied one is still one
    for name, parameter in there.named_parameters():
        assert parameter.dtype == torch.bfloat16
        assert torch.equal(parameter, model.get_parameter(name).bfloat16())
    for name, buffer in there.named_buffers():
        assert buffer.dtype == buffers[name].dtype
        assert torch.equal(buffer, buffers[name])
    assert dtype_name(there.dtype) == "bfloat16"


def test_tied_weights_stay_tied_when_they_are_cast(model):
    there = cast(copy.deepcopy(model), torch.bfloat16)
    ends = (there.get_input_embeddings().weight, there.get_output_embeddings().weight)
    tied = model.get_input_embeddings().weight is model.get_output_embeddings().weight
    assert (ends[0] is ends[1]) == tied


def test_losses_in_bfloat16_stay_near_those_in_float32(model, windows):
    """Eight binary digits: logits of a few nats are off by about 2^-8 of that."""
    positions = drawn_positions(len(windows), 4, CONTEXT, seed=0)
    exact = score_positions(model, windows, positions, TOKENS_USED)
    there = score_positions(
        cast(copy.deepcopy(model), torch.bfloat16), windows, positions, TOKENS_USED
    )
    differences = there.loss_nats - exact.loss_nats
    assert np.abs(differences).max() < 0.15
    assert abs(differences.mean()) < 0.01
    assert np.abs(differences).max() > 0  # it is another arithmetic


@pytest.mark.parametrize("setting", [Setting("rtn", bits=4), Setting("gptq_step", step=1.0)])
def test_in_bfloat16_the_loss_is_a_function_of_the_code_alone(model, windows, setting):
    """Whatever weights were there before the code is decoded into them, and in whatever order."""
    quantized = copy.deepcopy(model)
    tensors, _ = quantize_model(quantized, setting, [torch.from_numpy(windows[:8, :CONTEXT])])
    files = {code: codes.encode(code, tensors, setting) for code in codes.CODES}
    positions = drawn_positions(len(windows), 4, CONTEXT, seed=0)
    losses = []
    for start in (model, type(model)(model.config)):
        there = cast(copy.deepcopy(start).eval(), torch.bfloat16)
        coded_model.restore_into(there, files)
        losses.append(score_positions(there, windows, positions, TOKENS_USED).loss_nats)
    fresh = type(model)(model.config).eval()
    with torch.no_grad():
        for name, weights in codes.decode(files["stored"], layout(fresh)):
            fresh.get_parameter(name).copy_(weights)
    fresh = cast(fresh, torch.bfloat16)
    losses.append(score_positions(fresh, windows, positions, TOKENS_USED).loss_nats)
    assert np.array_equal(losses[0], losses[1])
    assert np.array_equal(losses[0], losses[2])
