"""The app on artifacts from an address: the same pages, and one sentence where there are none."""

import contextlib
import shutil
import time

import pytest
import streamlit as st

from dashboard import catalog
from dashboard.artifacts.remote import fetching
from dashboard.artifacts.remote.progress import Job
from dashboard.artifacts.version import local_version
from tests.dashboard.helpers import artifact_server as web
from tests.data.manifests import write_collection, write_manifest


@pytest.fixture
def server(data_copy, tmp_path, monkeypatch):
    """The micro suite under two names, on a web server, and an empty cache."""
    shutil.copytree(data_copy / "micro", data_copy / "second")
    write_collection(data_copy)
    monkeypatch.setenv("BOUNDSCAPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(fetching, "_PAUSE_SECONDS", 0.01)
    with web.serving(data_copy) as found:
        yield found


def sentences(app):
    return [element.value for element in [*app.warning, *app.error, *app.info]]


def captions(app):
    return " ".join(caption.value for caption in app.sidebar.caption)


def test_a_page_is_the_same_from_an_address(open_app, server, data_copy):
    here = open_app(data_copy, suite="micro", bits="3")
    there = open_app(f"{server.address}/micro", bits="3")
    assert not there.exception
    assert not sentences(there)
    assert there.metric[0].value == here.metric[0].value
    assert there.dataframe[0].value.equals(here.dataframe[0].value)
    version = local_version(data_copy / "micro")
    assert not version.note
    assert f"Artifacts {version.short}" in captions(there)


def test_its_files_are_as_their_manifest_lists_them(open_page, server, data_copy):
    app = open_page("artifacts", f"{server.address}/micro", part="Files")
    assert not app.exception
    assert not sentences(app)
    assert set(app.dataframe[0].value["state"]) == {"as listed"}
    words = " ".join(element.value for element in [*app.markdown, *app.caption])
    assert local_version(data_copy / "micro").digest in words


def test_the_suites_of_a_folder_can_be_chosen_and_compared(open_app, server):
    app = open_app(server.address, suite="second", compare="micro")
    assert not app.exception
    assert not sentences(app)
    assert app.selectbox(key="suite").options == ["micro", "second"]
    assert app.selectbox(key="suite").value == "second"
    assert app.multiselect(key="compare").value == ["micro"]
    asked = len(server.gets())
    again = open_app(server.address)
    assert again.selectbox(key="suite").value == "micro"
    assert len(server.gets()) == asked, "the next visitor fetches nothing"


def test_without_a_connection_the_page_says_what_it_shows(open_app, server, tmp_path):
    address = f"{server.address}/micro"
    number = open_app(address).metric[0].value
    server.faults["."] = web.status(503)
    catalog._remote.clear()  # as after a restart
    app = open_app(address)
    assert not app.exception
    assert app.metric[0].value == number
    (sentence,) = sentences(app)
    assert "cannot be reached now. Shown is what was fetched from it before" in sentence
    shutil.rmtree(tmp_path / "cache")
    catalog._remote.clear()
    app = open_app(address)
    (sentence,) = sentences(app)
    assert "it answers with status 503. Reload this page in a minute" in sentence
    assert not app.metric


@pytest.mark.parametrize(
    ("where", "fault", "sentence"),
    [
        ("manifest", web.status(404), "There is no file `manifest.json` at http://127.0.0.1"),
        ("manifest", web.shortened, "The manifest of these artifacts cannot be used: it is not J"),
        ("quantized", web.altered, "is different from the file in the manifest (SHA-256)"),
        ("quantized", web.cut, "there is no connection, or it broke"),
    ],
)
def test_what_goes_wrong_is_one_sentence(open_app, server, tmp_path, where, fault, sentence):
    server.faults[where] = fault
    app = open_app(f"{server.address}/micro")
    assert not app.exception
    (found,) = sentences(app)
    assert sentence in found
    assert str(tmp_path) not in found
    assert not app.metric


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("ftp://example.org/x", "does not begin with https://, s3:// or hf://"),
        ("http://example.org/<script>", "is not encrypted"),
        ("https://user:secret@example.org/x", "contains a user or a password"),
    ],
)
def test_an_address_that_is_none_is_one_sentence(open_app, address, sentence):
    app = open_app(address)
    assert not app.exception
    (found,) = sentences(app)
    assert sentence in found
    assert "secret" not in found


def test_files_of_foreign_content_are_verified_and_still_refused(open_app, server, data_copy):
    """A file that agrees with the manifest may still be rubbish."""
    victim = min((data_copy / "micro/quantized").glob("*.parquet"))
    victim.write_bytes(b"rubbish")
    write_manifest(data_copy / "micro")
    app = open_app(f"{server.address}/micro")
    (found,) = sentences(app)
    assert f"The file micro/quantized/{victim.name} is damaged or is not a Parquet file" in found


def test_progress_is_shown_while_something_is_fetched(monkeypatch):
    shown = []

    class Place:
        def container(self):
            return contextlib.nullcontext()

        def empty(self):
            shown.append("gone")

    class Bar:
        def __init__(self, share, text):
            self.progress(share, text)

        def progress(self, share, text):
            shown.append((share, text))

    def work(progress):
        time.sleep(0.3)
        progress.expect(4, 2_000_000)
        progress.add(1_000_000, whole=True)
        time.sleep(0.4)
        return "done"

    monkeypatch.setattr(st, "empty", Place)
    monkeypatch.setattr(st, "progress", Bar)
    monkeypatch.setattr(catalog, "_LOOK_SECONDS", 0.05)
    assert catalog._awaited(Job(work), "Fetching") == "done"
    assert shown[0] == (0.0, "Fetching…")
    assert (0.5, "Fetching: 1 of 4 files, 1.0 of 2.0 MB") in shown
    assert shown[-1] == "gone"
    shown.clear()
    done = Job(lambda _: "at once")
    done.wait()
    assert catalog._awaited(done, "Fetching") == "at once"
    assert not shown
