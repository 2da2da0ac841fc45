"""Options of the command line: one definition, honoured or refused, and what they change."""

import dataclasses
import json
import shlex
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from compute.base.errors import InputError
from compute.base.setting import UNQUANTIZED, Setting
from compute.base.terminal import console
from compute.commands import cli
from compute.commands.console import show_plan
from compute.session import opening
from compute.session.amounts import tokens_of
from compute.session.ladder_session import LadderSession
from compute.session.opening import open_session
from compute.session.request import Goes, Request, options
from compute.suites.measurements import setting_name, settings_named
from compute.suites.published.effort import Effort
from compute.suites.published.hub_suite import load_effort, load_hub_suite
from tests.compute.helpers.published_runs import carried_out, opened
from tests.tiny_models import CONTEXT

LADDER = {"preset": "tiny"}
PUBLISHED = {"preset": "pythia"}
DATASET = {"preset": "cerebras"}
MODEL = {"model": ("org/name",), "train_tokens": (2000,)}

TRAINED_HERE = "does not go with the preset tiny, which is trained here; leave it out."

#: What is asked for, and the sentence that refuses it.
REFUSED = [
    (LADDER | {"revision": ("v1",)}, f"--revision {TRAINED_HERE}"),
    (LADDER | {"gguf": "x"}, f"--gguf {TRAINED_HERE}"),
    (LADDER | {"train_tokens": (9,)}, f"--train-tokens {TRAINED_HERE}"),
    (LADDER | {"dataset": "a/b"}, f"--dataset {TRAINED_HERE}"),
    (LADDER | {"stream": "/x"}, f"--stream {TRAINED_HERE}"),
    (LADDER | {"shards": 2}, f"--shards {TRAINED_HERE}"),
    (LADDER | {"context_length": 64}, f"--context {TRAINED_HERE}"),
    (LADDER | {"quantizers": ("gptq:3",)}, f"--quantizers {TRAINED_HERE}"),
    (LADDER | {"windows": 64}, f"--windows {TRAINED_HERE}"),
    (LADDER | {"positions": 4}, f"--positions {TRAINED_HERE}"),
    (LADDER | {"calibration": 4}, f"--calibration {TRAINED_HERE}"),
    (LADDER | {"text_field": "x"}, "--text-field names a field of --corpus; give both or neither."),
    (LADDER | {"only": ("gpt-5",)}, "There is no model 'gpt-5'; choose from ladder-"),
    (LADDER | {"without": ("train",)}, "There is no stage 'train' to leave out; choose from reg"),
    (LADDER | {"hours": 0.0}, "--hours must be a positive number, not 0."),
    (LADDER | {"address": "auto"}, "of a Ray cluster; give --executor ray with it."),
    (PUBLISHED | {"corpus": Path("x")}, "--corpus does not go with the preset pythia; leave it"),
    (PUBLISHED | {"dataset": "a/b"}, "--dataset does not go with the preset pythia; leave it out."),
    (PUBLISHED | {"text_field": "x"}, "--text-field does not go with the preset pythia; leave it"),
    (PUBLISHED | {"revision": ("v1",)}, "--revision does not go with the preset pythia; leave it"),
    (PUBLISHED | {"gguf": "x"}, "--gguf does not go with the preset pythia; leave it out."),
    (PUBLISHED | {"train_tokens": (9,)}, "--train-tokens does not go with the preset pythia;"),
    (PUBLISHED | {"context_length": 9}, "--context does not go with the preset pythia; leave it"),
    (PUBLISHED | {"ladder_file": Path("x")}, "--ladder does not go with the preset pythia; leave"),
    (PUBLISHED | {"shards": 3}, "--shards counts the files of --stream; give both or neither."),
    (PUBLISHED | {"hours": -1.0}, "--hours must be a positive number, not -1."),
    (PUBLISHED | {"windows": 1}, "--windows must be at least 2, not 1."),
    (PUBLISHED | {"positions": 0}, "--positions must be at least 1, not 0."),
    (PUBLISHED | {"calibration": 0}, "--calibration must be at least 1, not 0."),
    (
        PUBLISHED | {"quantizers": ("gptq:9",)},
        "--quantizers 'gptq:9' is no setting: bits=9 of",
    ),
    (
        DATASET | {"stream": "/x"},
        "--stream does not go with the preset cerebras, whose text is",
    ),
    (MODEL | LADDER, "--preset names a suite and --model a model; give one of them."),
    (MODEL | PUBLISHED, "--preset names a suite and --model a model; give one of them."),
    (MODEL | {"only": ("x",)}, "--only does not go with --model; leave it out."),
    (MODEL | {"ladder_file": Path("x")}, "--ladder does not go with --model; leave it out."),
    (MODEL | {"corpus": Path("x"), "stream": "/x"}, "--corpus and --stream both name a text; give"),
    (MODEL | {"dataset": "a/b", "stream": "/x"}, "--dataset and --stream both name a text; give"),
    (
        MODEL | {"corpus": Path("x"), "shards": 2},
        "--shards counts the files of --stream; give both",
    ),
    (
        MODEL | {"stream": "/x", "text_field": "y"},
        "--text-field names a field of --corpus or --da",
    ),
    (MODEL | {"revision": ("a", "b")}, "--revision is given 2 times and --model 1 times; give it"),
    (MODEL | {"train_tokens": (1, 2)}, "--train-tokens is given 2 times and --model 1 times; give"),
]


@pytest.mark.parametrize(("asked", "sentence"), REFUSED, ids=lambda value: str(value)[:60])
def test_an_option_without_a_meaning_is_refused_by_one_sentence(tmp_path, asked, sentence):
    request = Request(data_dir=tmp_path / "data", cache_dir=tmp_path, device="cpu", **asked)
    with pytest.raises(InputError) as caught:
        open_session(request)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "data").exists()


def test_the_table_has_every_option_that_has_no_meaning_somewhere():
    """A new option comes with its sentences, or goes with everything."""
    targets = {Goes.LADDER: LADDER, Goes.PUBLISHED: PUBLISHED, Goes.MODEL: MODEL}
    named = {(target, f.name) for target, base in targets.items() for f in _added(base)}
    wanted = {(t, o.name) for o in options() for t in targets if t not in o.goes}
    assert wanted <= named


def _added(base: dict) -> list[dataclasses.Field]:
    rows = [asked for asked, _ in REFUSED if base.items() <= asked.items()]
    return [f for f in dataclasses.fields(Request) for row in rows if f.name in {*row} - {*base}]


class Asked(Exception):  # noqa: N818 - a way out of the command
    pass


def asked_by(monkeypatch, words: list[str]) -> Request:
    """What a command line asks for."""
    found = []

    def keep(request):
        found.append(request)
        raise Asked

    monkeypatch.setattr(opening, "open_session", keep)
    result = CliRunner().invoke(cli.app, words, env={"BOUNDSCAPE_HUB_SUITES": ""})
    assert isinstance(result.exception, Asked), result.output
    return found[0]


def test_a_request_is_the_command_line_that_asks_for_it(monkeypatch):
    request = Request(
        model=("a/b", "my model"),
        revision=("main", "v1"),
        train_tokens=(2_000_000_000_000, 5),
        corpus=Path("some text"),
        data_dir=Path("d"),
        quantizers=("gptq:3,4", "gptq:4:128"),
        windows=64,
        without=("curvature",),
        hours=0.5,
        retry_failed=True,
        context_length=128,
    )
    words = shlex.split(request.command("run"))
    assert words[:4] == ["python", "-m", "compute", "run"]
    assert asked_by(monkeypatch, words[3:]) == request
    assert Request().command("plan") == "python -m compute plan"


def test_commands_share_their_options(monkeypatch):
    words = shlex.split("--model x --train-tokens 2T --corpus t --context 64 --without curvature")
    expected = Request(
        model=("x",),
        train_tokens=(2 * 10**12,),
        corpus=Path("t"),
        context_length=64,
        without=("curvature",),
    )
    for command in ("plan", "run"):
        assert asked_by(monkeypatch, [command, *words]) == expected
    found = asked_by(monkeypatch, ["status", *words])
    assert found == dataclasses.replace(expected, measures=False)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("plan --shapes pythia --preset tiny", "--preset does not go with --shapes; leave it out."),
        ("plan --shapes pythia --hours 3", "--hours does not go with --shapes; leave it out."),
        ("plan --gpu-memory 3", "--gpu-memory goes only with --shapes; leave it out."),
        ("run --train-tokens 1.5", "The number of tokens '1.5' is not a whole number from 1 to"),
    ],
)
def test_options_of_one_command_are_refused_too(words, sentence):
    result = CliRunner().invoke(cli.app, words.split())
    assert sentence in str(result.exception)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("8388608000", 8388608000),
        ("2e12", 2 * 10**12),
        ("2T", 2 * 10**12),
        ("300B", 3 * 10**11),
        ("1.5b", 1_500_000_000),
        ("0.3M", 300_000),
        (" 7k ", 7000),
        ("1_000", 1000),
        ("9223372036854775807", 2**63 - 1),
    ],
)
def test_tokens_are_read_as_people_write_them(text, tokens):
    assert tokens_of(text) == tokens


@pytest.mark.parametrize(
    "text",
    ["", "T", "-3", "0", "1.5", "1e-3", "nan", "inf", "2X", "1e999999999", "9223372036854775808"],
)
def test_what_is_no_number_of_tokens_is_named(text):
    with pytest.raises(InputError, match="is not a whole number from 1 to 9223372036854775807"):
        tokens_of(text)


def test_quantizers_are_named_with_their_bits_and_groups():
    g128 = Setting("gptq", bits=4, group_size=128)
    found = settings_named(["gptq:3,4", "gptq:4:128,8:64", "gptq_step:0.7,1", "rtn:4,cast"])
    assert found == (
        UNQUANTIZED,
        Setting("gptq", bits=3),
        Setting("gptq", bits=4),
        g128,
        Setting("gptq", bits=8, group_size=64),
        Setting("gptq_step", step=0.7),
        Setting("gptq_step", step=1.0),
        Setting("rtn", bits=4),
        Setting("cast", bits=16),
    )
    assert settings_named(["none"]) == (UNQUANTIZED,)
    assert settings_named(["rtn:4,rtn:4", "none"]) == (UNQUANTIZED, Setting("rtn", bits=4))
    rotated = Setting("ldlq_rotated", bits=3, quantizer_seed=0)
    assert settings_named(["ldlq_rotated:3"])[1:] == (rotated,)
    for setting in (*found, rotated):
        assert settings_named([setting_name(setting)])[-1] == setting


@pytest.mark.parametrize(
    "text", ["", "gptq", "4", "gptq:", "gptq:x", "gptq:4:0", "gptq:4:1:2", "awq:4"]
)
def test_what_is_no_setting_is_named(text):
    with pytest.raises(InputError, match="is no setting") as caught:
        settings_named([text])
    assert repr(text) in str(caught.value)


def test_a_smaller_effort_keeps_what_it_is_not_told():
    full = load_effort()
    smaller = full.changed(windows=64)
    assert smaller.draws("train") == smaller.draws("selection") == smaller.draws("heldout") == 64
    assert (smaller.settings, smaller.positions) == (full.settings, full.positions)
    assert full.changed(windows=8192).draws("selection") == full.draws("selection")
    assert full.changed() == full


def test_published_models_are_quantized_in_groups_of_128_beside_no_groups():
    for effort in (load_effort(), load_hub_suite("cerebras").effort):
        bits = {None: set(), 128: set()}
        for setting in effort.settings:
            if setting.quantizer == "gptq":
                bits[setting.group_size].add(setting.bits)
        assert bits[None] == bits[128] >= {3, 4}
        assert effort.calibration_windows >= 128


def test_effort_is_said_on_the_command_line(on_miniature, tmp_path):
    wanted = {"quantizers": ("gptq:3:8,rtn:8",), "windows": 8, "positions": 2, "calibration": 3}
    opened_session = opened(on_miniature, tmp_path, only=("pythia-70m",), **wanted)
    effort: Effort = opened_session.suite.effort
    assert (effort.train_draws, effort.positions, effort.calibration_windows) == (8, 2, 3)
    slugs = {unit.setting.slug for unit in opened_session.plan.units if unit.setting}
    assert slugs == {"none-b32", "gptq-b3-g8", "rtn-b8"}
    run = carried_out(on_miniature, opened_session)
    assert run.errors == {}
    rows = run.rows("quantized")
    assert {row["train_tokens_evaluated"] for row in rows} == {8 * 2}
    assert {(row["quantizer"], row["group_size"]) for row in rows} == {
        ("none", None),
        ("gptq", 8),
        ("rtn", None),
    }


def test_several_models_share_a_suite(on_miniature, tmp_path):
    """The larger one first: they are measured smallest first, on the same windows."""
    repos = ("TinyLlama/TinyLlama-1.1B-intermediate-step-50K-105b", "cerebras/Cerebras-GPT-111M")
    found = opened(
        on_miniature,
        tmp_path,
        None,
        model=repos,
        train_tokens=(30_000, 20_000),
        corpus=on_miniature.folder / "my-text",
        quantizers=("rtn:4",),
        windows=4,
    )
    assert [model.params_total for model in found.models] == sorted(
        model.params_total for model in found.models
    )
    by_repo = {model.source.name: model.train_tokens for model in found.models}
    assert by_repo == {repos[0]: 30_000 // CONTEXT * CONTEXT, repos[1]: 20_000}
    assert {model.stand_in for model in found.models} == {"my-text"}
    assert found.workspace.store.suite.endswith("-and-1-more")


def ladder_session(tmp_path, ladder, text, **wanted):
    folders = (tmp_path / "data", tmp_path / "cache")
    return open_session(
        Request("nano", text, *folders, ladder_file=ladder, device="cpu", workers=1, **wanted)
    )


def test_a_ladder_honours_what_it_lets_through(tmp_path, nano_ladder, text_folder, monkeypatch):
    whole = ladder_session(tmp_path, nano_ladder, text_folder)
    small, large = (model.model_id for model in whole.models)
    one = ladder_session(tmp_path, nano_ladder, text_folder, only=(small,))
    assert {unit.model_id for unit in one.plan.units} == {small}
    # A ladder that is measured model by model stays one suite, with the same files.
    assert one.workspace.store.suite == whole.workspace.store.suite
    keys = [{u.key for u in s.plan.units if u.model_id == small} for s in (whole, one)]
    assert keys[0] == keys[1]

    without = ("curvature", "trajectory")
    less = ladder_session(tmp_path, nano_ladder, text_folder, without=without)
    stages = {unit.stage for unit in less.plan.units}
    assert stages == {"train", "register", "quantize", "measure"}  # information needs a trajectory

    monkeypatch.setattr(LadderSession, "unit_seconds", lambda self, units: lambda unit: 3600.0)
    count = len(whole.plan.units) // 2
    short = ladder_session(tmp_path, nano_ladder, text_folder, hours=count + 1.0)
    assert {unit.model_id for unit in short.plan.todo} == {small}
    assert {name.split()[1].partition("--")[0] for name in short.skipped} == {large}
    assert set(short.skipped.values()) == {f"the run would take longer than {count + 1} hours"}

    nothing = ladder_session(tmp_path, nano_ladder, text_folder, hours=0.1)
    with console.capture() as captured:
        show_plan(nothing, lambda unit: 1.0, 1.0)
    said = " ".join(captured.get().split())
    count = len(whole.plan.units)
    assert f"Nothing is left to do; units left out for the reasons above: {count}." in said
    assert "finished" not in said


def test_the_field_of_a_ladders_shards_can_be_named(tmp_path, nano_ladder, text_folder):
    (tmp_path / "shards").mkdir()
    texts = {file.read_text() for file in sorted(text_folder.rglob("*.py"))} - {""}
    lines = [json.dumps({"body": text}) for text in texts]
    (tmp_path / "shards/part.jsonl").write_text("\n".join(lines) + "\n")
    found = ladder_session(tmp_path, nano_ladder, tmp_path / "shards", text_field="body")
    assert len(found.corpus.training) + len(found.corpus.heldout) == len(lines)


def test_two_revisions_of_a_model_have_names_of_their_own(on_miniature, tmp_path):
    found = opened(
        on_miniature,
        tmp_path,
        None,
        model=("EleutherAI/pythia-70m", "EleutherAI/pythia-70m"),
        revision=("step4", "step8"),
        train_tokens=(2048, 4096),
        without=("chain", "curvature"),
    )
    assert [model.model_id for model in found.models] == ["pythia-70m-step4", "pythia-70m-step8"]


def other_tokenizer(there, tmp_path) -> Path:
    """A model of the same size whose tokenizer has other rules."""
    folder = tmp_path / "other"
    shutil.copytree(there.folder / "my-model", folder)
    file = folder / "tokenizer.json"
    rules = json.loads(file.read_text())
    rules["model"]["merges"].reverse()
    file.write_text(json.dumps(rules))
    return folder


def test_models_that_cannot_share_a_suite_are_refused(on_miniature, tmp_path):
    mine = str(on_miniature.folder / "my-model")
    wanted = {"train_tokens": 20_000, "corpus": on_miniature.folder / "my-text"}
    other = str(other_tokenizer(on_miniature, tmp_path))
    with pytest.raises(InputError, match="have different tokenizers, so their losses are not of"):
        opened(on_miniature, tmp_path, None, model=(mine, other), **wanted)
    with pytest.raises(InputError, match="Two of the models are called my-model"):
        opened(on_miniature, tmp_path, None, model=(mine, mine), **wanted)
    models = ("EleutherAI/pythia-70m", "cerebras/Cerebras-GPT-111M")
    with pytest.raises(InputError, match="is scored on The Pile in miniature and cerebras-gpt-111"):
        opened(on_miniature, tmp_path, None, model=models, train_tokens=(2**15, 20_000))
