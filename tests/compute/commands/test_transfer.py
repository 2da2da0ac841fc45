"""A measured model as a file in somebody else's hands, and back."""

import hashlib
import json
import shutil
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from compute.base.errors import InputError
from compute.commands.transfer import WEIGHTS, export_model, restore_model
from compute.models.layout import layout
from compute.quantize import codes
from compute.session.kept_request import request_of_suite
from compute.session.opening import open_session
from compute.session.request import Request
from tests.compute.helpers.processes import run_here, units_here

MODEL, SETTING, CODE = "ladder-5k", "gptq_step-step1.4", "entropy_coded"


def session(base: Path, ladder: Path, corpus: Path, cache: Path | None = None):
    folders = (base / "data", cache or base / "cache")
    return open_session(Request("micro", corpus, *folders, ladder_file=ladder, workers=1))


def digests(folder: Path) -> dict[str, str]:
    return {
        file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


@pytest.fixture(scope="module")
def exported(tmp_path_factory, micro_run, micro_ladder, text_folder):
    folder = tmp_path_factory.mktemp("export") / "model"
    export_model(session(micro_run, micro_ladder, text_folder), MODEL, SETTING, CODE, folder)
    return folder


def test_the_file_has_the_length_that_the_bound_uses(exported, micro_run):
    table = next((micro_run / "data/micro/quantized").glob(f"{MODEL}--{SETTING}--*"))
    recorded = pq.read_table(table).to_pylist()[0]
    assert 8 * (exported / WEIGHTS).stat().st_size == recorded[f"{CODE}_bits"]


def test_a_command_restores_a_model_that_transformers_loads(exported, tmp_path):
    """That a fresh process can is shown in ``quantize/codes/test_codes``."""
    command = [sys.executable, "-m", "compute", "restore", exported, "--to", tmp_path / "restored"]
    result = run_here([*map(str, command)])
    assert result.returncode == 0, result.stderr
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "restored", dtype=torch.float32)
    decoded = dict(codes.decode((exported / WEIGHTS).read_bytes(), layout(model)))
    assert decoded.keys() == dict(model.named_parameters()).keys()
    for name, weights in decoded.items():
        assert torch.equal(weights, model.get_parameter(name)), name
    text = "any bytes: \0 \n é Ā 漢"
    ids = AutoTokenizer.from_pretrained(tmp_path / "restored")(text)["input_ids"]
    assert ids == list(text.encode())


def test_the_name_of_a_suite_is_enough_for_a_ladder_too(micro_run, micro_ladder, text_folder):
    """Which file of presets and which text it was measured with is kept beside it."""
    found = request_of_suite(Request(data_dir=micro_run / "data"), MODEL, SETTING)
    assert (found.preset, found.suite) == ("micro", "micro")
    assert (found.ladder_file, found.corpus) == (micro_ladder, text_folder)


def test_a_model_that_left_the_cache_is_made_again_and_no_artifact_changes(
    tmp_path, exported, micro_run, micro_ladder, text_folder
):
    shutil.copytree(micro_run / "data", tmp_path / "data")
    before = digests(tmp_path / "data")
    opened = session(tmp_path, micro_ladder, text_folder, tmp_path / "empty")
    with units_here():
        export_model(opened, MODEL, SETTING, CODE, tmp_path / "again")
    assert digests(tmp_path / "again") == digests(exported)
    assert digests(tmp_path / "data") == before


def test_a_file_other_than_the_measured_one_is_not_handed_out(
    tmp_path, micro_run, micro_ladder, text_folder
):
    shutil.copytree(micro_run / "cache", tmp_path / "cache")
    opened = session(micro_run, micro_ladder, text_folder, tmp_path / "cache")
    coded = next((tmp_path / "cache/coded").glob(f"{MODEL}--{SETTING}-*"))
    (coded / CODE).write_bytes((coded / CODE).read_bytes()[:-4])
    with pytest.raises(InputError, match="is not the one that was made"):
        export_model(opened, MODEL, SETTING, CODE, tmp_path / "out")
    origin = json.loads((coded / "origin.json").read_text())
    (coded / "origin.json").write_text(json.dumps(origin | {"weights_sha256": "0"}))
    with pytest.raises(InputError, match="was made from other weights"):
        export_model(opened, MODEL, SETTING, CODE, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("model", "setting", "code", "sentence"),
    [
        ("gpt-5", SETTING, CODE, "There is no model 'gpt-5' here; choose one of ladder-12k"),
        (MODEL, "awq-b4", CODE, "There is no setting 'awq-b4' here; choose one of none-b32"),
        (MODEL, SETTING, "zip", "There is no code 'zip'; choose one of stored, entropy_coded"),
    ],
)
def test_what_does_not_exist_is_named(
    tmp_path, micro_run, micro_ladder, text_folder, model, setting, code, sentence
):
    opened = session(micro_run, micro_ladder, text_folder)
    with pytest.raises(InputError, match=sentence):
        export_model(opened, model, setting, code, tmp_path / "out")


def test_what_was_not_measured_is_not_made_up(tmp_path, micro_run, micro_ladder, text_folder):
    shutil.copytree(micro_run / "data", tmp_path / "data")
    for file in (tmp_path / "data/micro/quantized").glob(f"{MODEL}--{SETTING}--*"):
        file.unlink()
    opened = session(tmp_path, micro_ladder, text_folder, micro_run / "cache")
    with pytest.raises(InputError, match=f"{MODEL} was not measured at {SETTING}"):
        export_model(opened, MODEL, SETTING, CODE, tmp_path / "out")


def test_nothing_is_written_over(tmp_path, exported, micro_run, micro_ladder, text_folder):
    (tmp_path / "there").mkdir()
    opened = session(micro_run, micro_ladder, text_folder)
    with pytest.raises(InputError, match="exists already"):
        export_model(opened, MODEL, SETTING, CODE, tmp_path / "there")
    with pytest.raises(InputError, match="exists already"):
        restore_model(exported, tmp_path / "there")


def cut(folder: Path) -> None:
    file = folder / WEIGHTS
    file.write_bytes(file.read_bytes()[:-1])


def no_config(folder: Path) -> None:
    (folder / "config.json").unlink()


def other_config(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 3}))


def foolish_config(folder: Path) -> None:
    (folder / "config.json").write_text("{}")


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (cut, "cannot be decoded: the file announces"),
        (no_config, "is not an exported model: it has no file config.json"),
        (other_config, "cannot be decoded"),
        (foolish_config, "does not describe a model"),
    ],
)
def test_a_damaged_export_is_one_sentence_and_leaves_nothing(tmp_path, exported, damage, sentence):
    shutil.copytree(exported, tmp_path / "damaged")
    damage(tmp_path / "damaged")
    with pytest.raises(InputError, match=sentence):
        restore_model(tmp_path / "damaged", tmp_path / "restored")
    assert not (tmp_path / "restored").exists()
