import dataclasses

import numpy as np
import pytest
import torch

from compute.base.errors import InputError
from compute.base.setting import UNQUANTIZED, Setting
from compute.models import language_model
from compute.models.training.training import schedule, train
from compute.suites.ladder.ladder_suite import Measurement, load_ladder
from compute.suites.text.windows.tiling import Windows, input_counts
from compute.work.stages.units.ladder import check_corpus_size, ladder_units


def test_the_small_preset_is_the_ladder_the_readme_speaks_of():
    models = load_ladder("small").models
    sizes = [model.params_total for model in models]
    assert len(sizes) >= 5
    assert 25_000 < sizes[0] < 35_000
    assert 450_000 < sizes[-1] < 550_000
    for model in models:
        assert 0 <= 20 * model.params_total - model.train_tokens < model.context_length
        assert model.steps >= 1000


@pytest.mark.parametrize("preset", ["tiny", "small", "mixed"])
def test_counts_agree_with_the_model_that_is_built(preset):
    for spec in load_ladder(preset).models:
        model = language_model.build(spec)
        assert sum(p.numel() for p in model.parameters()) == spec.params_total
        embedding, other = language_model.parameter_counts(model)
        assert (embedding, other) == (spec.params_embedding, spec.params_nonembedding)


def test_published_counts_by_the_same_formula():
    # Pythia-70m (SUITES.md): non-embedding 18,915,328, from L = 6 and d = 512.
    spec = dataclasses.replace(load_ladder("small").models[0], hidden_size=512, layers=6)
    assert spec.params_nonembedding == 18_915_328


def test_a_size_that_exceeds_the_corpus_is_refused_by_name():
    ladder = load_ladder("small")
    windows = Windows(np.zeros((1000, 257), np.uint8), np.zeros((1, 257)), np.zeros((1, 256)))
    with pytest.raises(InputError, match="ladder-29k needs D = 582,912 distinct tokens"):
        check_corpus_size(ladder, windows, "a small folder")


def preset(*lines):
    """A ladder file with one preset ``p``."""
    head = "[presets.p]\nsuite = 's'\ncontext_length = 64\nheldout_bytes = 1\n"
    shared = "tokens_per_parameter = 20\ncorpus_seed = 0\ncalibration_windows = 8\n"
    return head + shared + "\n".join(lines) + "\n"


def test_a_list_of_bits_or_steps_stands_for_one_measurement_each(tmp_path):
    file = tmp_path / "l.toml"
    rows = """measurements = [
      { quantizer = "rtn", bits = [3, 4], group_size = 8 },
      { quantizer = "gptq_step", step = [0.5, 1], train_windows = 7 },
      { quantizer = "none", bits = 32 },
    ]"""
    file.write_text(preset("models = []", rows))
    ladder = load_ladder("p", file)
    assert ladder.calibration_windows == 8
    assert ladder.measurements == (
        Measurement(Setting("rtn", bits=3, group_size=8)),
        Measurement(Setting("rtn", bits=4, group_size=8)),
        Measurement(Setting("gptq_step", step=0.5), 7),
        Measurement(Setting("gptq_step", step=1.0), 7),
        Measurement(UNQUANTIZED),
    )


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ('{ quantizer = "guess", bits = 4 }', "quantizer='guess' is not one of"),
        ('{ quantizer = "rtn", bits = [4, 9] }', r"bits=9 of rtn must be in \[1, 8\]"),
        ('{ quantizer = "gptq_step", step = [0.5, 0.0] }', r"step=0\.0 must be positive"),
        ('{ quantizer = "rtn", bit = 4 }', "unexpected keyword argument 'bit'"),
    ],
)
def test_measurements_that_cannot_be_are_named(tmp_path, row, sentence):
    file = tmp_path / "l.toml"
    file.write_text(preset("models = []", f"measurements = [{row}]"))
    with pytest.raises(InputError, match=f"preset 'p' of .*l.toml is not valid: .*{sentence}"):
        load_ladder("p", file)


@pytest.mark.parametrize("preset", ["tiny", "small"])
def test_presets_measure_the_unquantized_model_and_no_setting_twice(preset):
    settings = [m.setting for m in load_ladder(preset).measurements]
    assert settings[0] == UNQUANTIZED
    assert len(settings) == len(set(settings))


def test_of_measurements_with_one_setting_the_first_for_a_model_counts(tmp_path):
    file = tmp_path / "l.toml"
    model = "{ hidden_size = 8, layers = 1, heads = 1, batch_windows = 1, learning_rate = 0.1, "
    rows = """measurements = [
      { quantizer = "rtn", bits = [3, 4], models = ["ladder-5k"] },
      { quantizer = "rtn", bits = [4, 5], train_windows = 7 },
    ]"""
    file.write_text(preset("models = [" + model + "seed = [0, 3] }]", rows))
    ladder = load_ladder("p", file)
    assert [model.model_id for model in ladder.models] == ["ladder-5k", "ladder-5k-seed3"]
    rtn = {bits: Setting("rtn", bits=bits) for bits in (3, 4, 5)}
    first, second = map(ladder.measurements_of, ladder.models)
    assert [(m.setting, m.train_windows) for m in first] == [
        (rtn[3], None),
        (rtn[4], None),
        (rtn[5], 7),
    ]
    assert [(m.setting, m.train_windows) for m in second] == [(rtn[4], 7), (rtn[5], 7)]
    units = ladder_units(ladder, "fingerprint", 100)
    written = {u.label: u.tables for u in units if u.stage == "measure"}
    assert written["ladder-5k--rtn-b4"] == ("quantized", "loss_histograms")
    assert written["ladder-5k-seed3--rtn-b4"] == ("quantized",)


def test_a_set_of_models_goes_by_its_name(tmp_path):
    file = tmp_path / "l.toml"
    model = "{ hidden_size = 8, layers = 1, heads = 1, batch_windows = 1, learning_rate = 0.1, "
    models = "models = [" + model + "seed = [0, 1] }]"
    row = 'measurements = [{ quantizer = "rtn", bits = 4, models = "others" }]'
    sets = '[presets.p.model_sets]\nothers = ["ladder-5k-seed1"]'
    file.write_text(preset(models, row, sets))
    ladder = load_ladder("p", file)
    assert [len(ladder.measurements_of(model)) for model in ladder.models] == [0, 1]
    file.write_text(preset(models, row))
    with pytest.raises(InputError, match="there is no set of models 'others' in model_sets"):
        load_ladder("p", file)


def test_models_of_one_name_are_refused(tmp_path):
    file = tmp_path / "l.toml"
    model = "{ hidden_size = 8, layers = 1, heads = 1, batch_windows = 1, learning_rate = 0.1, "
    file.write_text(preset("models = [" + model + "seed = [2, 2] }]", "measurements = []"))
    with pytest.raises(InputError, match="two models are called ladder-5k-seed2"):
        load_ladder("p", file)


def test_unknown_presets_and_too_few_steps_are_refused(tmp_path):
    with pytest.raises(
        InputError, match="no preset 'huge'; choose one of small, mixed-sweep, mixed, tiny"
    ):
        load_ladder("huge")
    file = tmp_path / "l.toml"
    file.write_text(
        preset(
            "models = [{hidden_size = 8, layers = 1, heads = 1, learning_rate = 0.1, "
            "batch_windows = 50, seed = 0}]",
            "measurements = []",
        )
    )
    with pytest.raises(InputError, match="ladder-5k would take 32 steps, fewer than 1000"):
        load_ladder("p", file)


def test_the_schedule_warms_up_holds_and_cools_down():
    rates = [schedule(step, 1000) for step in range(1000)]
    assert rates[0] == pytest.approx(0.02)
    assert rates[49:700] == [1.0] * 651
    assert rates[-1] == pytest.approx(1 / 300)
    assert np.all(np.diff(rates[:50]) > 0)
    assert np.all(np.diff(rates[701:]) < 0)


def test_batches_are_scored_before_they_are_trained_on():
    spec = load_ladder("tiny").models[0]
    rng = np.random.default_rng(0)
    windows = rng.integers(1, 255, (20, 65))
    model = language_model.build(spec)
    inputs, targets = next(language_model.batches(windows, 1, torch.device("cpu")))
    with torch.no_grad():
        first = torch.nn.functional.cross_entropy(
            model(inputs).logits.flatten(0, 1), targets.flatten()
        )
    assert torch.equal(inputs, torch.from_numpy(windows[:1, :-1]))
    assert torch.equal(targets, torch.from_numpy(windows[:1, 1:]))
    told = []
    online = train(model, spec, windows, torch.device("cpu"), told.append)
    assert online.loss_nats[0] == pytest.approx(first.item(), abs=1e-6)
    assert list(online.tokens_seen) == told == list(range(64, 20 * 64 + 1, 64))


def test_inputs_are_counted_as_the_batches_have_them():
    windows = np.random.default_rng(0).integers(0, 9, (5, 8)).astype(np.uint16)
    inputs = torch.cat([x for x, _ in language_model.batches(windows, 2, torch.device("cpu"))])
    counts = input_counts(windows, 12)
    assert torch.equal(counts, torch.bincount(inputs.flatten(), minlength=12))


def test_divergence_is_an_error_that_names_the_learning_rate():
    spec = dataclasses.replace(load_ladder("tiny").models[0], learning_rate=1e30)
    windows = np.random.default_rng(0).integers(1, 255, (50, 65))
    with pytest.raises(ArithmeticError, match=r"ladder-5k became .* learning rate of 1e\+30"):
        train(language_model.build(spec), spec, windows, torch.device("cpu"), lambda _: None)


def test_initial_weights_depend_on_the_seed_alone():
    spec = load_ladder("tiny").models[0]
    torch.manual_seed(5)
    first = language_model.weights_sha256(language_model.build(spec))
    torch.manual_seed(6)
    assert language_model.weights_sha256(language_model.build(spec)) == first
    other = dataclasses.replace(spec, seed=1)
    assert language_model.weights_sha256(language_model.build(other)) != first
    assert other.model_id != spec.model_id
