"""Models of other architectures and from other places, through every stage; and what is refused."""

import functools
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers.processors import TemplateProcessing
from transformers import AutoModelForCausalLM, AutoTokenizer, MixtralConfig, MixtralForCausalLM
from typer.testing import CliRunner

from compute.base.errors import InputError
from compute.commands import cli, transfer
from compute.commands.transfer import export_model, restore_model
from compute.session.kept_request import keep_request, request_of_suite
from compute.session.request import Request
from compute.work.machines.perform import perform
from compute.work.plan import units_to_make
from tests.compute.helpers.published_runs import (
    Run,
    carried_out,
    done_again,
    opened,
    plain_losses,
    snapshot,
)
from tests.compute.helpers.shard_server import write_shards
from tests.tiny_hub import save_model, use_offline
from tests.tiny_models import CONTEXT, TOKENS_USED, tiny_gpt2, tiny_llama, tiny_neox

LLAMA = "TinyLlama/TinyLlama-1.1B-intermediate-step-50K-105b"
TRAIN_TOKENS = 20_000
PYTHIA = {"preset": "pythia", "only": ("pythia-70m",), "without": ("chain", "curvature")}


def place(there, tmp_path, which: str) -> tuple:
    """(what to ask for, folder of the weights) of one way to name a model and its text."""
    text = {"corpus": there.folder / "my-text", "train_tokens": TRAIN_TOKENS}
    if which == "pythia":
        return PYTHIA, snapshot(there, "EleutherAI/pythia-70m", "step16")
    if which == "preset":
        folder = snapshot(there, "cerebras/Cerebras-GPT-111M", "main")
        return {"preset": "cerebras"}, folder
    if which == "repository":
        wanted = {"model": LLAMA, "dataset": "DKYoon/SlimPajama-6B", "train_tokens": TRAIN_TOKENS}
        return {"preset": None} | wanted, snapshot(there, LLAMA, "main")
    if which == "tied llama":
        folder = there.folder / "my-model"
        return {"preset": None, "model": str(folder), **text}, folder
    model = {"gpt2": tiny_gpt2, "neox": tiny_neox}[which](seed=8)
    folder = tmp_path / which
    save_model(model, folder)
    shutil.copytree(there.hub.tokenizer, folder, dirs_exist_ok=True)
    if which == "neox":  # on the very tokens of its training, from a folder of shards
        text = {"stream": str(there.server.folder), "shards": 3, "train_tokens": TRAIN_TOKENS}
    return {"preset": None, "model": str(folder), **text}, folder


@pytest.fixture(scope="module")
def measured(miniature, tmp_path_factory):
    """Measure one of them, once: (what came of it, folder of the weights)."""

    @functools.cache
    def measure(which: str) -> tuple[Run, Path]:
        base = tmp_path_factory.mktemp("measured")
        with pytest.MonkeyPatch.context() as patch:
            use_offline(patch, miniature.hub.home)
            wanted, folder = place(miniature, base, which)
            return done_again(miniature, base, **wanted), folder

    return measure


@pytest.mark.parametrize("which", ["preset", "repository", "tied llama", "gpt2", "neox"])
def test_every_architecture_goes_through_every_stage(measured, which):
    """Every loss is that of a plain evaluation on the windows that the seeds draw."""
    run, folder = measured(which)
    assert run.errors == {}
    stages = {unit.stage for unit in run.session.plan.units}
    assert stages == {"fetch", "describe", "quantize", "sample"}  # no chain without checkpoints
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    (row,) = run.rows("models")
    assert row["params_total"] == sum(p.numel() for p in model.parameters())
    assert row["vocab_size"] == TOKENS_USED
    assert row["context_length"] == CONTEXT
    text = {"preset": "monology/pile-uncopyrighted", "repository": "DKYoon/SlimPajama-6B"}
    assert row["stand_in"] == (None if which == "neox" else text.get(which, "my-text"))
    assert {r["quantizer"] for r in run.rows("quantized")} == {"none", "rtn", "gptq", "gptq_step"}
    windows = run.session.workspace.windows.open()
    (spec,) = run.session.models
    random = np.random.default_rng(np.random.SeedSequence(21, spawn_key=(0,)))
    ids = windows.read(random.integers(windows.count(spec), size=96))
    found = run.rows("token_losses", quantizer="none", split="train")
    positions = np.array([r["position"] for r in found]).reshape(96, 4)
    losses = np.array([r["loss_nats"] for r in found]).reshape(96, 4)
    expected = np.take_along_axis(plain_losses(model, ids, TOKENS_USED)[0], positions, axis=1)
    assert np.all(losses >= expected - 2e-5)
    assert np.all(losses <= expected + 2.0**-12 + 2e-5)


@pytest.mark.parametrize("code", ["stored", "entropy_coded"])
@pytest.mark.parametrize("which", ["tied llama", "gpt2"])
def test_an_exported_model_restores_to_the_measured_one(
    measured, on_miniature, tmp_path, which, code
):
    run, _ = measured(which)
    (spec,) = run.session.models
    export_model(run.session, spec.model_id, "rtn-b4", code, tmp_path / "exported")
    restore_model(tmp_path / "exported", tmp_path / "restored")
    restored = AutoModelForCausalLM.from_pretrained(tmp_path / "restored", dtype=torch.float32)
    (row,) = run.rows("quantized", quantizer="rtn")
    assert 8 * (tmp_path / "exported/weights.boundscape").stat().st_size == row[f"{code}_bits"]
    windows = run.session.workspace.windows.open()
    random = np.random.default_rng(np.random.SeedSequence(21, spawn_key=(0,)))
    ids = windows.read(random.integers(windows.count(spec), size=96))
    found = run.rows("token_losses", quantizer="rtn", split="train")
    positions = np.array([r["position"] for r in found]).reshape(96, 4)
    losses = plain_losses(restored.eval(), ids, TOKENS_USED)[0]
    expected = np.take_along_axis(losses, positions, axis=1).mean()
    assert row["train_loss_nats"] == pytest.approx(expected, abs=2e-5)


def test_the_name_of_a_suite_is_enough_to_export_from_it(on_miniature, tmp_path):
    """Also where its setting is none of the default ones, and a later run asked for others."""
    wanted = {
        "preset": None,
        "model": str(on_miniature.folder / "my-model"),
        "train_tokens": TRAIN_TOKENS,
        "corpus": on_miniature.folder / "my-text",
        "suite": "mine",
    }
    for quantizers in (("rtn:5:8",), ("gptq:3",)):
        run = done_again(on_miniature, tmp_path, quantizers=quantizers, **wanted)
        assert run.errors == {}
        keep_request(run.session.request, run.session.workspace.store.folder)
    words = f"export my-model rtn-b5-g8 --data {tmp_path / 'data'} --cache {tmp_path / 'cache'}"
    for suite in ("", " --suite mine"):
        out, restored = tmp_path / f"exported{suite}", tmp_path / f"restored{suite}"
        line = [*f"{words} --device cpu{suite}".split(), "--to", str(out)]
        result = CliRunner().invoke(cli.app, line)
        assert result.exception is None, result.output
        restore_model(out, restored)
        text = "def f(x):\n    return x\n"
        ids = AutoTokenizer.from_pretrained(restored)(text)["input_ids"]
        assert ids == AutoTokenizer.from_pretrained(on_miniature.hub.tokenizer)(text)["input_ids"]
        model = AutoModelForCausalLM.from_pretrained(restored, dtype=torch.float32)
        assert model(input_ids=torch.tensor([ids])).logits.isfinite().all()
    (tmp_path / "data/mine/request.json").write_text('{"model": 3}')
    with pytest.raises(InputError, match="does not say what the suite was measured with"):
        request_of_suite(Request(suite="mine", data_dir=tmp_path / "data"), "my-model", "x")


def test_a_model_of_several_suites_is_exported_from_the_one_that_is_named(tmp_path, measured):
    pythia_run, _ = measured("pythia")
    source = pythia_run.session.workspace.store.folder
    for name in ("one", "two"):
        shutil.copytree(source, tmp_path / name)
        keep_request(pythia_run.session.request, tmp_path / name)
    with pytest.raises(InputError, match="is in the suites one, two; name one with"):
        request_of_suite(Request(data_dir=tmp_path), "pythia-70m", "rtn-b4")
    found = request_of_suite(Request(data_dir=tmp_path, suite="two"), "pythia-70m", "rtn-b4")
    assert (found.preset, found.quantizers) == ("pythia", ("rtn:4",))
    unknown = Request(data_dir=tmp_path)
    assert request_of_suite(unknown, "gpt-5", "rtn-b4") == unknown


def test_a_published_checkpoint_that_left_the_cache_is_made_again_for_an_export(
    measured, on_miniature, tmp_path, monkeypatch
):
    """And it restores to the weights that were measured."""
    pythia_run, _ = measured("pythia")
    shutil.copytree(pythia_run.session.workspace.store.data_dir, tmp_path / "data")
    session = opened(on_miniature, tmp_path, **PYTHIA)

    def run_only(session, unit):
        workspace = session.prepared().workspace
        todo = units_to_make(unit, session.plan.units, workspace)
        assert [u.stage for u in todo] == ["fetch", "quantize"]
        return {u.name: e for u in todo if (e := perform(u, workspace, lambda n: None).error)}

    monkeypatch.setattr(transfer, "run_only", run_only)
    folders = {}
    for base, opened_session in (("new", session), ("old", pythia_run.session)):
        folders[base] = tmp_path / base
        export_model(opened_session, "pythia-70m", "gptq_step-step1.0", "stored", folders[base])
        restore_model(folders[base], tmp_path / f"{base}-restored")
    new, old = (
        AutoModelForCausalLM.from_pretrained(tmp_path / f"{base}-restored").state_dict()
        for base in ("new", "old")
    )
    assert all(torch.equal(new[name], old[name]) for name in old)


REFUSALS = {
    "no D": ({"train_tokens": None}, "--model needs --train-tokens D, a positive number"),
    "no tokens": ({"train_tokens": 0}, "--model needs --train-tokens D, a positive number"),
    "less than a window": ({"train_tokens": 31}, "--train-tokens 31 does not fill one window"),
    "no text": ({"corpus": None}, "belongs to no suite whose training text is known; say what to"),
    "two texts": ({"dataset": "a/b"}, "--corpus and --dataset both name a text; give one"),
    "text and stream": ({"stream": "/x"}, "--corpus and --stream both name a text; give one"),
    "long windows": ({"context_length": 33}, "Windows of 33 tokens cannot be scored by"),
    "short windows": ({"context_length": 1}, "Windows of 1 tokens cannot be scored by"),
    "no folder": ({"model": "./not-there"}, "is neither a folder nor a model's name on the hub"),
    "preset too": ({"preset": "pythia"}, "--preset names a suite and --model a model"),
    "no such stage": ({"without": ("sleep",)}, "There is no stage 'sleep' to leave out; choose"),
    "no corpus": ({"corpus": "nowhere"}, "nowhere does not exist"),
    "revision of a folder": ({"revision": "step1"}, "is a folder, which has no revision 'step1'"),
    "a bad suite name": ({"suite": "../x"}, "The suite name '../x' cannot be a folder name"),
    "no such file": ({"hub_file": "no.toml"}, "The file of suites no.toml cannot be read"),
}


@pytest.mark.parametrize(("changed", "said"), REFUSALS.values(), ids=REFUSALS)
def test_what_cannot_be_measured_is_refused_in_one_sentence(on_miniature, tmp_path, changed, said):
    wanted = {
        "preset": None,
        "model": str(on_miniature.folder / "my-model"),
        "train_tokens": TRAIN_TOKENS,
        "corpus": on_miniature.folder / "my-text",
    } | changed
    for name in ("corpus", "hub_file"):
        if isinstance(wanted.get(name), str):
            wanted[name] = Path(wanted[name])
    with pytest.raises(InputError) as caught:
        opened(on_miniature, tmp_path, **wanted)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"only": ("pythia-1t",)}, "There is no model 'pythia-1t'; choose from pythia-160m"),
        ({"without": ("sleep",)}, "There is no stage 'sleep' to leave out; choose from describe"),
        ({"corpus": "x"}, "--corpus does not go with the preset pythia"),
        ({"dataset": "a/b"}, "--dataset does not go with the preset pythia"),
        ({"train_tokens": 9}, "--train-tokens does not go with the preset pythia"),
        ({"context_length": 9}, "--context does not go with the preset pythia"),
    ],
)
def test_options_that_do_not_go_with_a_preset_are_refused(on_miniature, tmp_path, wanted, said):
    with pytest.raises(InputError, match=said):
        opened(on_miniature, tmp_path, **wanted)
    assert not (tmp_path / "data").exists()


def test_leaving_a_stage_out_leaves_out_what_needs_it(on_miniature, tmp_path):
    session = opened(on_miniature, tmp_path, without=("chain", "curvature"))
    assert {u.stage for u in session.plan.units} == {"fetch", "describe", "quantize", "sample"}
    session = opened(on_miniature, tmp_path, without=("quantize", "describe", "curvature"))
    settings = {u.setting.slug for u in session.plan.units if u.stage == "sample"}
    assert settings == {"none-b32"}
    assert "information" in {u.stage for u in session.plan.units}


def own(there, folder: Path, model, of=None, **more) -> dict:
    """What to ask for to score ``model``, written to ``folder``, on the text of the miniature."""
    save_model(model, folder)
    if of is None:
        shutil.copytree(there.hub.tokenizer, folder, dirs_exist_ok=True)
    else:
        of.save_pretrained(folder)
    corpus = there.folder / "my-text"
    text = {"preset": None, "model": str(folder), "train_tokens": TRAIN_TOKENS, "corpus": corpus}
    return text | more


def test_a_tokenizer_may_have_more_tokens_than_the_model_predicts(on_miniature, tmp_path):
    """V is the smaller number; only a text that holds one of the others is refused."""
    of = AutoTokenizer.from_pretrained(on_miniature.hub.tokenizer)
    of.add_tokens(["import", *(f"<unused-{i}>" for i in range(30))])
    wanted = own(on_miniature, tmp_path / "model", tiny_neox(seed=0, vocabulary=310), of)
    (tmp_path / "odd").mkdir()
    for index in range(12):
        (tmp_path / "odd" / f"{index}.txt").write_text(f"{index} <unused-29> " * 4000)
    odd = opened(on_miniature, tmp_path / "o", **wanted | {"corpus": tmp_path / "odd"})
    with pytest.raises(InputError, match=r"holds '<unused-29>', the token 330, and the model pre"):
        odd.prepared()
    run = done_again(on_miniature, tmp_path, **wanted)
    assert run.errors == {}
    assert run.rows("models")[0]["vocab_size"] == 310
    assert run.session.workspace.windows.open()._text.training.max() == 300  # import


@pytest.mark.parametrize("begins", [True, False])
def test_windows_begin_as_the_tokenizers_texts_do(on_miniature, tmp_path, begins):
    """With its token as context only, in every stage, said and told apart."""
    of = AutoTokenizer.from_pretrained(on_miniature.hub.tokenizer)
    of.add_tokens(["<s>"])
    if begins:
        of.backend_tokenizer.post_processor = TemplateProcessing(
            single="<s> $A", special_tokens=[("<s>", TOKENS_USED)]
        )
    wanted = own(on_miniature, tmp_path / "model", tiny_llama(seed=0), of)
    without = () if begins else ("quantize", "curvature")
    run = done_again(on_miniature, tmp_path, without=without, **wanted)
    assert run.errors == {}
    windows = run.session.workspace.windows.open()
    (spec,) = run.session.models
    heldout, _ = windows.heldout(spec, 32, 1)
    for ids in (windows.read(np.arange(windows.count(spec))), heldout):
        assert ids.shape[1] == CONTEXT + 1  # so the model's whole context is used, and no more
        assert np.all(ids[:, 0] == TOKENS_USED) == begins
        assert TOKENS_USED not in ids[:, 1:]
    remark = "every window begins with <s>, as context only: it is never predicted"
    assert run.rows("models")[0]["remark"] == (remark if begins else None)
    assert any(remark in line for line in run.session.about) == begins
    assert spec.identity.get("window_begin") == (TOKENS_USED if begins else None)


def test_a_mixture_of_experts_goes_through_every_stage(on_miniature, tmp_path):
    config = MixtralConfig(
        vocab_size=320,
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        num_local_experts=4,
        num_experts_per_tok=2,
        max_position_embeddings=CONTEXT,
    )
    torch.manual_seed(0)
    wanted = own(on_miniature, tmp_path / "model", MixtralForCausalLM(config), without=())
    run = done_again(on_miniature, tmp_path, **wanted)
    assert run.session.skipped == {}
    assert run.errors == {}
    stages = {unit.stage for unit in run.session.plan.units}
    assert stages == {"fetch", "describe", "quantize", "sample", "curvature"}
    assert "tensors of no layer, in bfloat16" in run.rows("models")[0]["remark"]


def test_a_suites_file_that_says_otherwise_than_the_tokenizer_is_refused(own_miniature, tmp_path):
    file = own_miniature.folder / "suites.toml"
    row = 'corpus = "The Pile"\n'
    file.write_text(file.read_text().replace(row, f"{row}window_begin = 7\n"))
    session = opened(own_miniature, tmp_path, "cerebras")
    with pytest.raises(InputError, match="begins a text with the token None, and the file of suit"):
        session.prepared()


def test_a_stream_too_short_for_its_model_is_refused(on_miniature, tmp_path):
    """33,792 tokens are 1056 windows: none would be held out."""
    for train_tokens, refused in ((1056 * CONTEXT, True), (1055 * CONTEXT, False)):
        session = opened(
            on_miniature,
            tmp_path,
            None,
            model=str(on_miniature.folder / "my-model"),
            train_tokens=train_tokens,
            stream=str(on_miniature.server.folder),
            shards=3,
        )
        if refused:
            with pytest.raises(InputError, match=r"1,056 windows, and the stream .* has 1,056"):
                session.prepared()
            assert not (tmp_path / "data").exists()
        else:
            session.prepared()


def test_a_token_that_the_model_does_not_predict_is_refused(on_miniature, tmp_path):
    """The stream was made with another tokenizer: no unit that reads it leaves anything."""
    write_shards(tmp_path / "shards", np.full((200, CONTEXT + 1), 310, dtype=np.uint16), 1)
    run = done_again(
        on_miniature,
        tmp_path,
        preset=None,
        model=str(on_miniature.folder / "my-model"),
        train_tokens=100 * CONTEXT,
        stream=str(tmp_path / "shards"),
    )
    assert {name.split()[0] for name in run.errors} == {"describe", "quantize", "sample"}
    for error in run.errors.values():
        assert "holds the id 310, which is not below the vocabulary's 300" in error
    assert {path.name for path in run.session.workspace.store.folder.iterdir()} == {"units"}


def test_weights_that_are_no_numbers_are_refused_by_every_stage(on_miniature, tmp_path):
    folder = tmp_path / "model"
    model = tiny_llama(seed=0)
    with torch.no_grad():
        model.get_output_embeddings().weight[3] = float("nan")
    save_model(model, folder)
    shutil.copytree(on_miniature.hub.tokenizer, folder, dirs_exist_ok=True)
    run = done_again(
        on_miniature,
        tmp_path,
        preset=None,
        model=str(folder),
        train_tokens=TRAIN_TOKENS,
        corpus=on_miniature.folder / "my-text",
    )
    assert {name.split()[0] for name in run.errors} == {"describe", "quantize", "sample"}
    assert all("finite" in error for error in run.errors.values()), run.errors
    assert {path.name for path in run.session.workspace.store.folder.iterdir()} == {"units"}


def test_bytes_of_a_token_of_a_stand_in_are_those_of_its_text(on_miniature, tmp_path):
    """Up to the marks between documents, and what is left over at the end of the last window."""
    session = opened(
        on_miniature,
        tmp_path,
        None,
        model=str(on_miniature.folder / "my-model"),
        train_tokens=TRAIN_TOKENS,
        corpus=on_miniature.folder / "my-text",
    )
    found = session.prepared().workspace.windows.open().bytes_per_token(session.models[0])
    tokenizer = AutoTokenizer.from_pretrained(on_miniature.hub.tokenizer)
    files = [path.read_text() for path in (on_miniature.folder / "my-text").iterdir()]
    tokens = sum(len(tokenizer(text, verbose=False)["input_ids"]) for text in files)
    assert found == pytest.approx(sum(len(f.encode()) for f in files) / tokens, rel=0.02)


def test_another_d_of_a_model_on_a_stand_in_measures_nothing_again(on_miniature, tmp_path):
    """Losses on a stand-in text do not depend on D; the description does, and is written again."""
    wanted = {
        "preset": None,
        "model": str(on_miniature.folder / "my-model"),
        "corpus": on_miniature.folder / "my-text",
        "quantizers": ("gptq:3",),
        "calibration": 16,
    }
    first = done_again(on_miniature, tmp_path, train_tokens=40 * CONTEXT, **wanted)
    store = first.session.workspace.store
    before = {f: f.read_bytes() for f in store.folder.glob("*/*.parquet")}
    # Fewer windows than the quantizer looks at: they are the text's, whatever D is.
    later = opened(on_miniature, tmp_path, train_tokens=8 * CONTEXT, **wanted)
    assert later.workspace.store.folder == store.folder
    assert [unit.stage for unit in later.plan.todo] == ["describe"]
    again = carried_out(on_miniature, later)
    (row,) = again.rows("models")
    assert (row["train_tokens"], row["stand_in"]) == (8 * CONTEXT, "my-text")
    changed = {f.parent.name for f, content in before.items() if not f.exists()}
    assert changed == {"models", "units"}
    assert all(f.read_bytes() == content for f, content in before.items() if f.exists())


def test_another_d_of_a_model_on_its_own_tokens_is_measured_for_itself(on_miniature, tmp_path):
    """Windows are among the first D tokens: losses of one D do not certify another."""
    wanted = {
        "preset": None,
        "model": str(on_miniature.folder / "my-model"),
        "stream": str(on_miniature.server.folder),
        "shards": 3,
    }
    first, later = (
        opened(on_miniature, tmp_path, train_tokens=d * CONTEXT, **wanted) for d in (100, 200)
    )
    assert first.workspace.provenance.suite_fingerprint != (
        later.workspace.provenance.suite_fingerprint
    )
    keys = [{unit.key for unit in session.plan.units} for session in (first, later)]
    assert not keys[0] & keys[1]
