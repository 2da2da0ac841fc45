"""The suites of published models against their published tables."""

import pytest

from compute.base.errors import InputError
from compute.base.setting import UNQUANTIZED
from compute.suites import hub
from compute.suites.hub import Source
from compute.suites.published.hub_suite import (
    FILE,
    family_model,
    family_of,
    hub_presets,
    load_effort,
    load_hub_suite,
)
from compute.suites.text.origins import DatasetText, StreamText

#: Saved step nearest to D = 20*N and D/N there, for either count of N.
PYTHIA = {
    "pythia-14m": ((128, 19.1), (16, 28.2)),
    "pythia-31m": ((256, 17.6), (32, 14.2)),
    "pythia-70m": ((512, 15.2), (128, 14.2)),
    "pythia-160m": ((2000, 25.8), (1000, 24.7)),
    "pythia-410m": ((4000, 20.7), (3000, 20.8)),
    "pythia-1b": ((10000, 20.7), (8000, 20.8)),
    "pythia-1.4b": ((14000, 20.8), (12000, 20.8)),
    "pythia-2.8b": ((26000, 19.6), (24000, 20.0)),
    "pythia-6.9b": ((65000, 19.9), (61000, 19.9)),
    "pythia-12b": ((113000, 20.0), (108000, 20.0)),
}
CEREBRAS = {
    "cerebras-gpt-111m": 2_221_000_000,
    "cerebras-gpt-256m": 5_119_000_000,
    "cerebras-gpt-590m": 11_806_000_000,
    "cerebras-gpt-1.3b": 26_313_000_000,
    "cerebras-gpt-2.7b": 53_030_000_000,
    "cerebras-gpt-6.7b": 133_167_000_000,
    "cerebras-gpt-13b": 257_067_000_000,
}
STEP_TOKENS = 2_097_152


def test_these_are_the_presets():
    assert hub_presets() == ("pythia", "pythia-nonembedding", "cerebras")


@pytest.mark.parametrize(("preset", "count"), [("pythia", 0), ("pythia-nonembedding", 1)])
def test_checkpoints_of_pythia_are_those_nearest_on_the_frontier(preset, count):
    suite = load_hub_suite(preset)
    assert [model.model_id for model in suite.models] == list(PYTHIA)
    for model in suite.models:
        step, ratio = PYTHIA[model.model_id][count]
        assert model.source == hub.Source(f"EleutherAI/{model.model_id}", f"step{step}")
        assert model.train_tokens == STEP_TOKENS * step
        assert model.train_windows == 1024 * step
        n = (model.params_total, model.params_nonembedding)[count]
        assert round(model.train_tokens / n, 1) == ratio
        assert (model.vocab_size, model.context_length) == (50277, 2048)
        assert model.stand_in is None


@pytest.mark.parametrize("preset", ["pythia", "pythia-nonembedding"])
def test_chains_hold_every_earlier_saved_checkpoint(preset):
    for model in load_hub_suite(preset).models:
        last = int(model.source.revision.removeprefix("step"))
        saved = [0, *(2**k for k in range(10)), *range(1000, 143_001, 1000)]
        assert [step for step, _ in model.chain] == [step for step in saved if step < last]
        for step, source in model.chain:
            assert source == hub.Source(model.source.name, f"step{step}")


def test_remarks_say_where_in_the_schedule_a_checkpoint_lies():
    remarks = {model.model_id: model.remark for model in load_hub_suite("pythia").models}
    assert remarks.pop("pythia-12b") is None
    for name in ("pythia-14m", "pythia-31m", "pythia-70m"):
        step = PYTHIA[name][0][0]
        assert (
            remarks.pop(name) == f"taken inside the learning-rate warm-up (step {step} of 143,000)"
        )
    for name, remark in remarks.items():
        step = PYTHIA[name][0][0]
        assert remark == (
            f"taken with most of its learning-rate decay ahead (step {step:,} of 143,000)"
        )


def test_the_plan_names_the_steps_by_the_other_count():
    for preset, other in (("pythia", 1), ("pythia-nonembedding", 0)):
        (sentence,) = load_hub_suite(preset).about
        for name, steps in PYTHIA.items():
            assert f"{name} {steps[other][0]:,}" in sentence


def test_cerebras_is_compute_optimal_and_scored_on_a_stand_in():
    suite = load_hub_suite("cerebras")
    whole = {name: tokens // 2048 * 2048 for name, tokens in CEREBRAS.items()}
    assert {model.model_id: model.train_tokens for model in suite.models} == whole
    assert isinstance(suite.text, DatasetText)
    for model in suite.models:
        assert round(model.tokens_per_parameter, 2) == 20.0
        assert model.stand_in == suite.text.name == "monology/pile-uncopyrighted"
        assert (model.chain, model.remark) == ((), None)
        assert (model.vocab_size, model.source.revision) == (50257, "main")


def test_pythia_is_scored_on_its_own_stream():
    text = load_hub_suite("pythia").text
    assert isinstance(text, StreamText)
    assert text.address == "hf://datasets/EleutherAI/pile-standard-pythia-preshuffled"
    assert text.shards == 21
    assert load_hub_suite("pythia", stream="/mirror").text.address == "/mirror"


@pytest.mark.parametrize("preset", ["pythia", "cerebras"])
def test_configurations_have_the_parameters_that_the_file_says(preset):
    models = load_hub_suite(preset).models
    assert len(models) == {"pythia": 10, "cerebras": 7}[preset]
    for model in models:
        counted = hub.parameter_counts_of(model.config)
        assert counted == (model.params_embedding, model.params_nonembedding), model.model_id
        assert model.config.vocab_size >= model.vocab_size


def test_the_effort_is_what_the_readme_says():
    effort = load_hub_suite("pythia").effort
    assert (effort.train_draws, effort.selection_draws, effort.positions) == (16384, 2048, 16)
    assert effort.settings[0] == UNQUANTIZED
    assert len({setting.slug for setting in effort.settings}) == len(effort.settings)
    seeds = effort.sampling_identity["draws"], effort.sampling_identity["positions"][1]
    everything = [seed for _, seed in seeds[0].values()] + list(seeds[1].values())
    assert len(set(everything)) == len(everything)  # one per purpose


def test_a_listed_model_can_be_taken_at_another_step():
    repo = "EleutherAI/pythia-410m"
    model, text = family_model(Source(repo, "step1000"), 1000 * STEP_TOKENS)
    assert family_of(repo) == "pythia"
    assert family_of("EleutherAI/pythia-410m-deduped") is None
    assert model.source.revision == "step1000"
    assert len(model.chain) == 11
    assert "warm-up" in model.remark
    assert isinstance(text, StreamText)
    last, _ = family_model(Source(repo, "main"), 143_000 * STEP_TOKENS)
    assert (last.remark, last.source.revision) == (None, "step143000")
    assert len(last.chain) == 10 + 143
    with pytest.raises(InputError, match="was trained on 2,097,152,000 tokens, not on 20"):
        family_model(Source(repo, "step1000"), 20)
    with pytest.raises(InputError, match="windows of 2048 tokens, not of 512; leave --context"):
        family_model(Source(repo, "step1000"), 1000 * STEP_TOKENS, context_length=512)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("train_draws = 16384", "train_draws = 1", "train_draws=1 must be a whole number"),
        ("positions = 16", "positions = 0.5", "positions=0.5 must be a whole number"),
        ('quantizer = "rtn"', 'quantizer = "awq"', "quantizer='awq' is not one of"),
        ("batch_windows = 1024\n", "", "'batch_windows'"),
        ('count = "total"', 'count = "some"', "params_some"),
        ('family = "pythia"', 'family = "python"', "'python'"),
        ("context_length = 2048", "context_length = 2048000000000", "do not fill one window"),
        ('architecture = "gpt_neox"', 'architecture = "rnn"', "'rnn'"),
    ],
)
def test_a_file_that_is_not_valid_is_one_sentence(tmp_path, old, new, said):
    """D of a step grows with the context, so the window that is not filled is Cerebras-GPT's."""
    file = tmp_path / "hub.toml"
    content = FILE.read_text()
    assert old in content
    file.write_text(content.replace(old, new))
    preset = "cerebras" if "fill" in said else "pythia"
    with pytest.raises(InputError) as caught:
        load_hub_suite(preset, file)
    assert said in str(caught.value)
    assert f"The preset '{preset}' of {file} is not valid" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content", ["", "[presets]\nx = 3", "presets = 3", "families = 3", "[presets.x", None]
)
def test_a_file_without_suites_is_one_sentence(tmp_path, content):
    file = tmp_path / "hub.toml"
    if content is not None:
        file.write_text(content)
    for ask in (hub_presets, lambda f: load_hub_suite("x", f), lambda f: family_of("a/b", f)):
        with pytest.raises(InputError, match=r"The file of suites .*hub.toml"):
            ask(file)


@pytest.mark.parametrize("family", ["models = 3", "models = [ 3 ]", "models = [ { name = 3 } ]"])
def test_a_family_without_models_is_one_sentence(tmp_path, family):
    file = tmp_path / "hub.toml"
    file.write_text(f"[presets.x]\nfamily = 'y'\n[families.y]\n{family}\n[effort.full]\n")
    for ask in (
        lambda: family_of("a/b", file),
        lambda: load_hub_suite("x", file),
        lambda: load_effort(file=file),
    ):
        with pytest.raises(InputError, match="is not valid"):
            ask()
