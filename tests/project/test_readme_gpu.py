"""The documented commands for published models, each run unchanged, against a hub made here."""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import pyarrow.parquet as pq
import pytest
from transformers import AutoTokenizer

from compute.work.machines.ray import cluster
from compute.work.machines.this_machine import ThisMachine
from tests.compute.helpers.processes import run_here
from tests.compute.helpers.tiny_gguf import wide_llama, write_gguf
from tests.conftest import ROOT
from tests.published import published
from tests.tiny_hub import use_offline
from tests.tiny_models import TOKENS_USED

SECTION = (
    (ROOT / "docs/measuring.md").read_text().partition("## On a GPU box")[2].partition("\n## ")[0]
)

pytestmark = pytest.mark.slow
COMMANDS = re.findall(r"^python -m compute .*$", SECTION, re.MULTILINE)

#: Numbers that belong to the real models, and what stands for them in the miniature.
MINIATURE = {"step4000": "step8", "8388608000": "4096"}


class ThisMachineForRay(ThisMachine):
    """In place of a cluster: what runs there is tested in ``tests/compute/test_ray_run.py``."""

    asked: ClassVar[list[tuple]] = []

    def __init__(self, *request):
        self.asked.append(request)


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> tuple[Path, dict[str, subprocess.CompletedProcess]]:
    """The folder that the commands ran in, one after the other, and how each ended.

    All run in this process: a new one, and its workers, take seconds to import torch.
    """
    folder = tmp_path_factory.mktemp("gpu-box")
    ended = {}
    with pytest.MonkeyPatch.context() as patch, published(folder) as there:
        use_offline(patch, there.hub.home)
        patch.setenv("BOUNDSCAPE_HUB_SUITES", there.environment["BOUNDSCAPE_HUB_SUITES"])
        patch.setattr(cluster, "RayCluster", ThisMachineForRay)
        (folder / "my-folder").mkdir()
        tokenizer = AutoTokenizer.from_pretrained(there.hub.tokenizer)
        file = folder / "my-folder/my-model.Q4_1.gguf"
        write_gguf(wide_llama(3, TOKENS_USED), tokenizer, file)
        for command in COMMANDS:
            words = [MINIATURE.get(word, word) for word in shlex.split(command)]
            ended[command] = run_here([sys.executable, *words[1:]], folder)
    return folder, ended


def test_there_are_commands_for_every_way_in():
    for option in ("plan", "status", "--preset pythia", "--preset cerebras", "--model", "ray"):
        assert any(option in command for command in COMMANDS), option


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_runs(finished, command):
    result = finished[1][command]
    assert result.returncode == 0, result.stdout + result.stderr
    if "--executor ray" in command:
        assert len(ThisMachineForRay.asked) == 1


def table(folder: Path, suite: str, name: str) -> list[dict]:
    return pq.read_table(folder / "data" / suite / name).to_pylist()


def test_they_leave_the_suites_that_the_readme_promises(finished):
    folder = finished[0]
    suites = {path.name for path in (folder / "data").iterdir()}
    assert suites == {
        "pythia",
        "pythia-nonembedding",
        "cerebras",
        "pythia-410m",
        "tinyllama-1.1b-intermediate-step-50k-105b",
        "my-model",
        "my-model.q4_1",
    }
    for suite in suites:
        exact = suite.startswith("pythia")
        for model in table(folder, suite, "models"):
            assert (model["stand_in"] is None) == exact, (suite, model)


def test_the_checkpoint_is_the_one_nearest_on_the_frontier_by_either_count(finished):
    folder = finished[0]
    steps = {
        suite: {m["model_id"]: m["revision"] for m in table(folder, suite, "models")}
        for suite in ("pythia", "pythia-nonembedding")
    }
    assert "@step16 (" in steps["pythia"]["pythia-70m"]
    assert "@step32 (" in steps["pythia"]["pythia-160m"]
    assert "@step4 (" in steps["pythia-nonembedding"]["pythia-70m"]


def test_the_plan_names_the_other_count_too(finished):
    plan = finished[1]["python -m compute plan --preset pythia"].stdout
    assert "Counting parameters without embeddings the steps would be: pythia-70m 4" in plan
    assert re.search(r"pythia-70m .* step16 ", plan)


def test_revisions_with_the_same_bytes_are_named(finished):
    output = next(r.stdout for c, r in finished[1].items() if "--only pythia-160m" in c)
    assert "pythia-70m at step 0, pythia-70m at step 1 are the same bytes" in output
