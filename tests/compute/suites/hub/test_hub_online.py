"""Downloads and refusals, against a server on this machine that answers as the hub does.

One case runs in a process of its own, because ``huggingface_hub`` reads its environment once.
"""

import json
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from compute.base.errors import InputError
from compute.suites import hub
from tests.compute.helpers.fake_hub import FakeHub, environment_of, reached, serving
from tests.conftest import ROOT
from tests.tiny_hub import TinyHub, add_revision
from tests.tiny_models import tiny_neox

#: Runs the calls given as JSON in a fresh process.
DRIVER = """
import json, sys
from tests.compute.suites.hub.test_hub_online import outcome

print("OUT" + json.dumps([outcome(*call) for call in json.loads(sys.argv[1])]))
"""


def outcome(function: str, name: str, revision: str) -> list:
    """What a call of ``hub`` comes to: its kind, its value or sentence, and reports of progress."""
    heard = []
    options = {"progress": lambda *of: heard.append([*of])} if function == "fetch" else {}
    try:
        value = getattr(hub, function)(hub.Source(name, revision), **options)
        return ["is", value if isinstance(value, dict | int | None) else str(value), heard]
    except InputError as error:
        return [type(error).__name__, str(error), heard]


def ask(home: Path, address: str, *calls: tuple[str, str, str], **more) -> list[list]:
    """The outcomes of ``calls`` in this process, as ``reached`` lets it see the hub."""
    with reached(home, address, **more):
        return [outcome(*call) for call in calls]


def ask_afresh(home: Path, address: str, *calls: tuple[str, str, str]) -> list[list]:
    """As ``ask``, in a process that finds all this in its environment."""
    ran = subprocess.run(
        [sys.executable, "-c", DRIVER, json.dumps(calls)],
        cwd=ROOT,
        env=environment_of(home, address),
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout.rpartition("OUT")[2])


@pytest.fixture
def server(tiny_hub, tmp_path):
    """A server of the tiny hub and of a model in shards; empty caches go under ``tmp_path``."""
    shutil.copytree(tiny_hub.cache, tmp_path / "served", symlinks=True)
    model = tiny_neox(seed=7)
    for fmt in ("sharded", "bin"):
        add_revision(tmp_path / "served", "a/b", fmt, model, tiny_hub.tokenizer, fmt)
    with serving(tmp_path / "served") as served:
        yield served


def test_refusals_are_one_sentence_each(server: FakeHub, tmp_path):
    said = {
        ("no/such", "main"): "There is no model no/such at http",
        ("tiny/gpt2", "step3"): "The model tiny/gpt2 has no revision 'step3': see",
        ("x/gated", "main"): f"x/gated is gated: accept its conditions at {server.address}/x/gated",
        ("x/private", "main"): "or it is private: check the name, or log in with `hf auth login`",
        ("x/token", "main"): "The hub does not accept the token for x/token: log in",
        ("x/forbidden", "main"): "The hub refuses x/forbidden to this account",
        ("tiny/gpt2", "0" * 40): "The model tiny/gpt2 has no revision '0000",
    }
    calls = [(f, *source) for source in said for f in ("config_of", "fetch", "missing_bytes")]
    for call, (kind, text, _) in zip(
        calls, ask(tmp_path / "home", server.address, *calls), strict=True
    ):
        assert kind == "InputError", (call, text)
        assert said[call[1:]] in text
        assert "\n" not in text
    assert not list((tmp_path / "home").rglob("*.json"))


def test_no_network(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        no_server = f"http://127.0.0.1:{free.getsockname()[1]}"
    calls = ("config_of", "tokenizer_of", "fetch", "weight_files", "missing_bytes")
    check_unreachable(ask(tmp_path, no_server, *[(call, "tiny/gpt2", "main") for call in calls]))


def test_a_hub_that_is_down(server: FakeHub, tmp_path):
    calls = ("fetch", "weight_files", "missing_bytes")
    check_unreachable(ask(tmp_path, server.address, *[(call, "x/down", "main") for call in calls]))


def check_unreachable(outcomes: list[list]) -> None:
    *failed, files, missing = outcomes
    for kind, text, _ in failed:
        assert kind == "UnreachableError", text
        assert "cannot be reached (" in text
        assert "check the connection and run again" in text
        assert "\n" not in text
    assert (files[:2], missing[:2]) == (["is", None], ["is", None])


def test_a_model_comes_down_whole_with_what_it_needs_only(server: FakeHub, tmp_path):
    home = tmp_path / "home"
    served = server.snapshot("a/b", "sharded")
    sizes = {f.name: f.stat().st_size for f in served.iterdir() if f.name.startswith("model")}
    outcomes = ask_afresh(
        home,
        server.address,
        ("config_of", "a/b", "sharded"),
        ("tokenizer_of", "a/b", "sharded"),
        ("weight_files", "a/b", "sharded"),
        ("missing_bytes", "a/b", "sharded"),
        ("fetch", "a/b", "sharded"),
        ("missing_bytes", "a/b", "sharded"),
        ("fetch", "a/b", "sharded"),
        ("forget", "a/b", "bin"),
    )
    assert [kind for kind, *_ in outcomes] == ["is"] * len(outcomes), outcomes
    files, missing, fetched, left = (value for _, value, _ in outcomes[2:6])
    assert files == sizes
    index = "model.safetensors.index.json"
    assert missing == sum(sizes.values()) - sizes[index]
    assert left == 0
    folder = Path(fetched)
    assert {f.name: f.read_bytes() for f in folder.iterdir()} == {
        f.name: f.read_bytes() for f in served.iterdir() if f.name != "generation_config.json"
    }
    heard = outcomes[4][2]
    assert heard == sorted(heard)
    assert heard[-1] == [missing, missing]
    assert outcomes[6][1:] == [fetched, []]
    got = [path for method, path, _ in server.requests if method == "GET" and "resolve" in path]
    assert len(got) == len(set(got))
    before_weights = [path for path in got if "model-0" not in path]
    assert got[: len(before_weights)] == before_weights
    # What was fetched is there without the network, and under the name of its revision.
    again = ask(home, "http://127.0.0.1:9", ("fetch", "a/b", "sharded"), offline=True)
    assert again[0][:2] == ["is", fetched]


def test_a_broken_connection_goes_on_where_it_broke(server: FakeHub, tiny_hub, tmp_path):
    # huggingface_hub writes 10 MB at a time: less than that would be asked for again.
    large = tiny_neox(seed=7, hidden=64, vocabulary=32768)
    add_revision(server.cache, "a/large", "main", large, tiny_hub.tokenizer, "bin")
    server.cuts["pytorch_model.bin"] = 12_000_000
    [fetched] = ask(tmp_path / "home", server.address, ("fetch", "a/large", "main"))
    assert fetched[0] == "is", fetched
    served = server.snapshot("a/large", "main") / "pytorch_model.bin"
    assert (Path(fetched[1]) / "pytorch_model.bin").read_bytes() == served.read_bytes()
    ranges = [r for method, path, r in server.requests if method == "GET" and ".bin" in path]
    assert ranges == [None, f"bytes={10 * 2**20}-"]
    assert fetched[2][-1][0] == fetched[2][-1][1] > served.stat().st_size


def test_a_download_that_stops_leaves_whole_files_only_and_goes_on(server: FakeHub, tmp_path):
    shards = [f"model-0000{k}-of-00002.safetensors" for k in (1, 2)]
    server.stubs[shards[1]] = 1000
    stopped, missing, fetched = ask(
        tmp_path / "home",
        server.address,
        ("fetch", "a/b", "sharded"),
        ("missing_bytes", "a/b", "sharded"),
        ("fetch", "a/b", "sharded"),
    )
    assert stopped[0] == "InputError"
    assert "The download of a/b at sharded stopped (Consistency check failed" in stopped[1]
    assert "run again, files that are complete are kept" in stopped[1]
    served = server.snapshot("a/b", "sharded")
    assert missing[1] == (served / shards[1]).stat().st_size
    assert fetched[0] == "is"
    got = [path.rpartition("/")[2] for method, path, _ in server.requests if method == "GET"]
    assert [got.count(shard) for shard in shards] == [1, 2]
    assert not list((tmp_path / "home").rglob("*.incomplete"))


def test_content_that_another_revision_brought_is_not_missing(server: FakeHub, tmp_path):
    outcomes = ask(
        tmp_path / "home",
        server.address,
        ("fetch", "tiny/neox-a", "step0"),
        ("missing_bytes", "tiny/neox-a", "step1"),
        ("missing_bytes", "tiny/neox-a", "step2"),
        ("fetch", "tiny/neox-a", "step1"),
        ("forget", "tiny/neox-a", "step0"),
        ("missing_bytes", "tiny/neox-a", "step1"),
        token="hf_mine",
    )
    assert server.tokens == {"Bearer hf_mine"}
    size = (server.snapshot("tiny/neox-a", "step2") / "model.safetensors").stat().st_size
    assert [value for _, value, _ in outcomes[1:3]] == [0, size]
    assert outcomes[5][1] == 0
    got = [p for m, p, _ in server.requests if m == "GET" and p.endswith("model.safetensors")]
    assert len(got) == 1


def test_a_file_of_another_size_than_the_hub_says(own_hub: TinyHub, server: FakeHub):
    """A truncated copy in the cache is named, not loaded; one that was deleted comes again."""
    short, gone = (
        (main_snapshot(own_hub.cache, name) / "model.safetensors").resolve()
        for name in ("tiny--gpt2", "tiny--llama")
    )
    short.write_bytes(short.read_bytes()[:-5])
    gone.unlink()
    named, came = ask(
        own_hub.home,
        server.address,
        ("fetch", "tiny/gpt2", "main"),
        ("fetch", "tiny/llama", "main"),
    )
    assert named[0] == "InputError"
    assert f"{short} has" in named[1]
    assert "delete it and run again" in named[1]
    assert came[0] == "is"
    assert gone.is_file()


def main_snapshot(cache: Path, repo: str) -> Path:
    """Folder of the main revision."""
    folder = cache / f"models--{repo}"
    return folder / "snapshots" / (folder / "refs" / "main").read_text()
