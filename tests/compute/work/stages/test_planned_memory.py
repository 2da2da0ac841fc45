"""What is planned for units bounds what they take, where the vocabulary is most of the model."""

import shutil
from contextlib import closing

import pyarrow.parquet as pq
import pytest
from transformers import LlamaConfig, LlamaForCausalLM

from compute.work.machines.executor import Finished, run_units
from compute.work.stages.model_memory import PROCESS_BYTES
from tests.compute.helpers.published_runs import opened
from tests.tiny_hub import save_model
from tests.tiny_models import CONTEXT

#: 131 thousand tokens of a width of 64: 34 MB of weights, and 67 MB of logits for 128 predictions.
VOCABULARY, WIDTH = 2**17, 64

#: Quantizers of which units are run, besides those of no setting.
LIGHT_AND_HEAVY = ("none", "gptq")


@pytest.fixture
def large_vocabulary(on_miniature, tmp_path):
    """Folder of a model nearly all of whose parameters are its embedding and output layer."""
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=WIDTH,
        intermediate_size=2 * WIDTH,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
        bos_token_id=0,
        eos_token_id=0,
    )
    folder = tmp_path / "model"
    save_model(LlamaForCausalLM(config), folder)
    shutil.copytree(on_miniature.hub.tokenizer, folder, dirs_exist_ok=True)
    return folder


def test_planned_memory_bounds_what_each_unit_takes(on_miniature, large_vocabulary, tmp_path):
    session = opened(
        on_miniature,
        tmp_path,
        preset=None,
        model=str(large_vocabulary),
        corpus=on_miniature.folder / "my-text",
        train_tokens=20_000,
    ).prepared()
    chosen = {None, *LIGHT_AND_HEAVY}
    units = [u for u in session.plan.todo if u.setting is None or u.setting.quantizer in chosen]
    with closing(run_units(units, session.workspace, 1, lambda unit: 1.0)) as events:
        errors = {e.unit.name: e.error for e in events if isinstance(e, Finished) and e.error}
    assert errors == {}
    rows = pq.read_table(session.workspace.store.folder / "units").to_pylist()
    peaks = {(r["stage"], r["quantizer"]): r["peak_memory_bytes"] for r in rows}
    for unit in units:
        planned = unit.host_bytes("cpu")
        if planned is not None:
            measured = peaks[unit.stage, unit.setting and unit.setting.quantizer]
            assert measured <= planned <= 2 * measured + PROCESS_BYTES, unit.name
    # One worker did all of it in turn, and every peak is the unit's own.
    assert {stage for stage, _ in peaks} == {"fetch", "describe", "quantize", "sample"}
    assert peaks["describe", None] < peaks["quantize", "gptq"]
    assert peaks["sample", "none"] < max(peaks.values())
