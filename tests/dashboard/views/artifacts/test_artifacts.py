"""The page *Artifacts*: what was run, every row and file, and where numbers come from."""

import hashlib
import importlib
import io
import json
from datetime import UTC, datetime
from functools import partial

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import schema
from dashboard.analysis.measured import runs
from dashboard.artifacts.errors import ArtifactError
from dashboard.artifacts.suite import Suite
from dashboard.ui.page.navigation import PAGES
from dashboard.views.artifacts import file_list, table_rows
from dashboard.views.artifacts.columns import meanings
from dashboard.views.artifacts.number_paths import PATHS, source_files
from dashboard.views.artifacts.row_filter import parse_filter
from dashboard.views.artifacts.table_rows import PAGE_ROWS, Selection, models_in, pages, settings_in
from tests.conftest import ROOT
from tests.dashboard.ui.test_app import cut_in_half, sentences

TABLES, FILES, NUMBERS = "Tables", "Files", "Where numbers come from"


@pytest.fixture
def open_artifacts(open_page):
    """Follow a link to the page."""
    return partial(open_page, "artifacts")


@pytest.fixture
def seen_artifacts(seen_page):
    """The page, to look at."""
    return partial(seen_page, "artifacts")


@pytest.fixture
def failed(data_copy):
    """The micro artifacts with two units that failed, one of them of no setting."""
    for pattern, error in (
        ("quantize--ladder-6k--gptq-b3--*", "Layer 1: the Cholesky factor does not exist."),
        ("train--ladder-5k--*", "Out of **memory**"),
    ):
        file = next(data_copy.glob(f"micro/units/{pattern}"))
        rows = pq.read_table(file)
        for name, value in (("status", "failed"), ("error", error)):
            place = rows.column_names.index(name)
            rows = rows.set_column(place, rows.schema.field(name), pa.array([value]))
        pq.write_table(rows, file)
    return data_copy


def words(app):
    return " ".join(m.value for m in [*app.markdown, *app.caption])


def downloads(app):
    """Labels of the buttons that hand out rows or files; the whole view is for other tests."""
    labels = [button.proto.label for button in app.get("download_button")]
    assert labels.pop(0) == "Export view"
    return labels


def frame_with(app, column):
    return next(d.value for d in app.dataframe if column in d.value)


# --- what was run


def test_it_opens_on_what_was_run(seen_artifacts, micro_suite):
    app = seen_artifacts()
    assert not app.exception
    assert not sentences(app)
    assert app.title[0].value == "Artifacts"
    records = pq.read_table(micro_suite / "data/micro/units").to_pandas()
    stages = frame_with(app, "stage").set_index("stage")
    assert stages["units"].to_dict() == records["stage"].value_counts().to_dict()
    assert stages.loc["train", "seconds"] == pytest.approx(
        records.loc[records["stage"] == "train", "seconds"].sum()
    )
    assert stages["failed"].sum() == 0
    assert "No unit failed." in words(app)
    assert [metric.value for metric in app.metric[:2]] == [str(len(records)), "0"]
    models = frame_with(app, "weights_sha256")
    assert list(models["model_id"]) == ["ladder-5k", "ladder-6k", "ladder-12k"]


def test_versions_seeds_and_hardware_are_those_in_the_files(seen_artifacts, suite, micro_suite):
    app = seen_artifacts()
    paths = sorted((micro_suite / "data/micro").glob("*/*.parquet"))
    metadata = [pq.read_schema(path).metadata for path in paths]
    versions = json.loads(metadata[0][b"boundscape.library_versions"])
    libraries = frame_with(app, "library").set_index("library")
    assert libraries["version"].to_dict() == versions
    assert set(libraries["files"]) == {len(paths)}
    seeds = frame_with(app, "purpose").set_index(["purpose", "seed"])["files"]
    assert seeds["weights", "0"] == len(paths)
    codes = frame_with(app, "code").set_index("code")["files"]
    assert codes.to_dict() == {metadata[0][b"boundscape.code_revision"].decode(): len(paths)}
    assert runs.counted(suite, "device")["files"].sum() == len(paths)


def test_failures_are_a_plain_table_with_their_errors(seen_artifacts, failed):
    app = seen_artifacts(failed)
    assert not app.exception
    table = frame_with(app, "error").set_index("stage")
    assert table.loc["quantize", "error"] == "Layer 1: the Cholesky factor does not exist."
    assert table.loc["quantize", "setting"] == "GPTQ, 3 bits"
    assert table.loc["train", "error"] == "Out of **memory**"
    assert pd.isna(table.loc["train", "setting"])
    assert app.metric[1].value == "2"
    assert "RETRY_FAILED=1" in words(app)
    assert "No unit failed." not in words(app)


def test_a_suite_without_records_of_units_says_so(open_artifacts, data_copy):
    for file in data_copy.glob("micro/units/*"):
        file.unlink()
    app = open_artifacts(data_copy)
    assert not app.exception
    assert "No unit of work was recorded" in sentences(app)[0]


def test_a_copy_that_packs_units_into_fewer_files_keeps_their_origins(data_copy, monkeypatch):
    """The table ``provenance`` has the metadata of each packed file."""
    keys = [key.partition(".")[2] for key in schema.PROVENANCE_KEYS]
    fields = [pa.field(name, pa.string()) for name in ("model_id", *keys)]
    monkeypatch.setitem(schema.TABLES, "provenance", pa.schema(fields))
    source = next(data_copy.glob("micro/models/*.parquet"))
    rows = [dict.fromkeys(keys, "x") | {"model_id": "m", "device": d} for d in ("a", "b", "b")]
    (data_copy / "micro/provenance").mkdir()
    table = pa.Table.from_pylist(rows, pa.schema(fields))
    table = table.replace_schema_metadata(pq.read_schema(source).metadata)
    pq.write_table(table, data_copy / "micro/provenance/m.parquet")
    suite = Suite(data_copy, "micro")
    assert runs.counted(suite, "device").to_dict("list") == {"value": ["b", "a"], "files": [2, 1]}
    assert runs.libraries(suite).empty  # "x" is no JSON


# --- tables


@pytest.mark.parametrize("table", schema.TABLES)
def test_every_table_can_be_read_and_is_explained(seen_artifacts, micro_suite, table):
    app = seen_artifacts(part=TABLES, table=table)
    assert not app.exception
    files = sorted((micro_suite / "data/micro" / table).glob("*.parquet"))
    rows = sum(pq.read_metadata(file).num_rows for file in files)
    explained = frame_with(app, "meaning")
    assert list(explained["column"]) == schema.TABLES[table].names
    assert (explained["meaning"].str.len() > 0).all()
    if not rows:
        assert f"`{table}` has no such rows" in sentences(app)[0]
        return
    shown = app.dataframe[0].value
    assert list(shown) == schema.TABLES[table].names
    assert len(shown) == min(rows, PAGE_ROWS)
    expected = "1 row" if rows == 1 else f"rows 1 to {len(shown):,} of {rows:,}"
    assert expected in words(app)
    whole = rows <= table_rows.MOST_DOWNLOADED
    assert downloads(app) == (["Download CSV", "Download Parquet"] if whole else [])


def test_pages_hold_every_row_once_in_the_order_of_the_files(suite, micro_suite):
    selection = Selection("spectra")
    rows = selection.count(suite)
    parts = [selection.page(suite, n).to_pandas() for n in range(1, pages(rows) + 1)]
    assert [len(part) for part in parts[:-1]] == [PAGE_ROWS] * (len(parts) - 1)
    files = sorted((micro_suite / "data/micro/spectra").glob("*.parquet"))
    whole = pd.concat([pq.read_table(file).to_pandas() for file in files], ignore_index=True)
    found = pd.concat(parts, ignore_index=True)
    pd.testing.assert_frame_equal(found[["weight"]], whole[["weight"]])
    assert (pages(0), pages(100), pages(101)) == (1, 1, 2)


def test_one_pages_through_with_the_link_and_by_hand(open_artifacts):
    app = open_artifacts(part=TABLES, table="loss_histograms", sheet="2")
    assert "rows 101 to 200 of " in words(app)
    app.pagination(key="sheet").set_value(3).run()
    assert "rows 201 to 300 of " in words(app)
    app.selectbox(key="only").set_value("ladder-6k").run()
    assert "rows 1 to 100 of " in words(app)
    assert set(app.dataframe[0].value["model_id"]) == {"ladder-6k"}


@pytest.mark.parametrize("sheet", ["0", "-1", "99999999", "two", "1e9", "', LIMIT 9"])
def test_a_page_that_is_not_there_is_the_first(seen_artifacts, sheet):
    app = seen_artifacts(part=TABLES, table="loss_histograms", sheet=sheet)
    assert not app.exception
    assert "rows 1 to 100 of " in words(app)


def test_rows_of_one_model_setting_and_filter(seen_artifacts, micro_suite):
    query = {"table": "layers", "only": "ladder-6k", "at": "GPTQ, 3 bits"}
    app = seen_artifacts(part=TABLES, where="kind = linear; layer ~ ATTENTION", **query)
    assert not app.exception
    assert not sentences(app)
    shown = app.dataframe[0].value
    everything = pq.read_table(micro_suite / "data/micro/layers").to_pandas()
    expected = everything[
        (everything["model_id"] == "ladder-6k")
        & (everything["quantizer"] == "gptq")
        & (everything["bits"] == 3)
        & (everything["kind"] == "linear")
        & everything["layer"].str.contains("attention")
    ]
    assert set(shown["layer"]) == set(expected["layer"])
    assert len(shown) == len(expected) > 0


def test_rows_of_no_setting_can_be_chosen(seen_artifacts):
    app = seen_artifacts(part=TABLES, table="units", at=table_rows.NO_SETTING)
    assert not app.exception
    assert {"train", "register"} <= set(app.dataframe[0].value["stage"])
    assert app.dataframe[0].value["quantizer"].isna().all()


@pytest.mark.parametrize(
    "where",
    ["1 = 1", "bits = 4; DROP TABLE layers", "' OR ''='", "layer", "<script>alert(1)</script>"],
)
def test_a_hostile_filter_is_one_sentence_and_changes_nothing(
    open_artifacts, seen_artifacts, where
):
    app = open_artifacts(part=TABLES, table="layers", where=where)
    assert not app.exception
    assert len(sentences(app)) == 1
    assert "This filter cannot be used: " in sentences(app)[0]
    assert len(app.dataframe[0].value) == len(
        seen_artifacts(part=TABLES, table="layers").dataframe[0].value
    )
    if where == "layer":  # once: a filter by hand is heeded after it
        app.text_input(key="where").set_value("bits = 3").run()
        assert not sentences(app)
        assert set(app.dataframe[0].value["bits"]) == {3}


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"part": "Secrets"}, "the part of the page `Secrets`"),
        ({"part": TABLES, "table": "sqlite_master"}, "“Table” `sqlite_master`"),
        ({"part": TABLES, "table": "models; DROP"}, "“Table” `models; DROP`"),
        ({"part": TABLES, "only": "' OR 1=1"}, "“Rows of” `' OR 1=1`"),
        ({"part": FILES, "file": "../../../etc/passwd"}, "“File” `../../../etc/passwd`"),
        ({"part": NUMBERS, "number": "42"}, "“Number” `42`"),
        ({"part": NUMBERS, "of": "gpt-5"}, "“Model” `gpt-5`"),
    ],
)
def test_a_bad_link_is_one_sentence_and_the_default_view(seen_artifacts, query, sentence):
    app = seen_artifacts(**query)
    assert not app.exception
    assert len(sentences(app)) == 1
    assert f"{sentence}, which does not exist here" in sentences(app)[0]


def test_downloads_are_the_rows_as_they_are(suite, tmp_path):
    conditions = parse_filter("split = train; loss_nats < 2", schema.TABLES["loss_histograms"])
    label = "GPTQ, 4 bits"
    setting = settings_in(suite, "loss_histograms")[label]
    selection = Selection("loss_histograms", "ladder-6k", setting, conditions)
    expected = suite.query(
        "FROM loss_histograms WHERE model_id = 'ladder-6k' AND quantizer = 'gptq' AND bits = 4 "
        "AND split = 'train' AND loss_nats < 2"
    )
    assert selection.count(suite) == len(expected) > 0
    table = pq.read_table(io.BytesIO(selection.parquet(suite)))
    pd.testing.assert_frame_equal(table.to_pandas(), expected)
    meaning = table.schema.field("tokens").metadata[b"description"]
    assert meaning == b"tokens in the cell"
    file = tmp_path / "rows.csv"
    file.write_bytes(selection.csv(suite))
    read = duckdb.connect().sql(f"FROM read_csv('{file}')").df()
    assert list(read) == list(expected)
    assert list(read["loss_nats"]) == list(expected["loss_nats"])
    assert read["step"].isna().all()


def test_too_many_rows_are_not_handed_out_and_a_sentence_says_so(open_artifacts, monkeypatch):
    monkeypatch.setattr("dashboard.views.artifacts.tables_section.MOST_DOWNLOADED", 100)
    app = open_artifacts(part=TABLES, table="loss_histograms")
    assert not app.exception
    assert not downloads(app)
    assert "rows are more than the 100 that can be downloaded at a time" in words(app)
    app = open_artifacts(part=TABLES, table="models")
    assert downloads(app) == ["Download CSV", "Download Parquet"]


def test_a_download_never_holds_more_than_its_limit(suite, monkeypatch):
    monkeypatch.setattr(table_rows, "MOST_DOWNLOADED", 7)
    assert Selection("layers").rows(suite).num_rows == 7


def test_units_of_columns():
    assert schema.unit_of("loss_nats") == "nats per token"
    assert (schema.unit_of("k_nats"), schema.unit_of("stored_bits")) == ("nats", "bits")
    assert (schema.unit_of("layer"), schema.unit_of("bytes_per_token")) == ("", "bytes per token")
    found = meanings("units").set_index("column")
    assert found.loc["finished_at", "unit"] == "time, UTC"
    assert found.loc["error", "may be missing"]
    assert models_in  # used by the page


# --- files


def test_every_file_is_listed_with_model_setting_and_sum(seen_artifacts, micro_suite):
    app = seen_artifacts(part=FILES)
    assert not app.exception
    assert not sentences(app)
    folder = micro_suite / "data/micro"
    content = (folder / "manifest.json").read_bytes()
    assert hashlib.sha256(content).hexdigest() in words(app)
    assert "All files agree with the manifest (SHA-256)" in words(app)
    shown = app.dataframe[0].value.set_index("file")
    assert set(shown.index) == set(json.loads(content)["files"])
    for path in folder.glob("*/*.parquet"):
        row = shown.loc[path.relative_to(folder).as_posix()]
        rows = pq.read_table(path).to_pandas()
        assert row["rows"] == len(rows)
        assert {row["model_id"]} == set(rows["model_id"])
        assert row["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    rounded = shown.loc[[name for name in shown.index if name.startswith("layers/")]]
    assert set(rounded["setting"]) <= {
        f"{q}, {b} bits" for q in ("GPTQ", "Round to nearest") for b in (3, 4, 6)
    } | {f"Grid-step GPTQ, step {s}" for s in (0.7, 1.4)}


def test_files_of_one_table_and_model(seen_artifacts):
    app = seen_artifacts(part=FILES, table="models", only="ladder-5k")
    (name,) = app.dataframe[0].value["file"]
    assert app.selectbox(key="file").options == [name]
    assert downloads(app) == [f"Download {name}"]


def test_a_file_is_handed_out_as_it_is_and_nothing_else(suite):
    name = file_list.files(suite)["file"][0]
    assert file_list.content(suite, name) == (suite.folder / name).read_bytes()
    for other in (
        "manifest.json",
        "../micro/manifest.json",
        "models/../manifest.json",
        "/etc/passwd",
    ):
        with pytest.raises(ArtifactError, match="There is no file"):
            file_list.content(suite, other)


def test_a_large_file_is_not_handed_out(open_artifacts, monkeypatch):
    monkeypatch.setattr("dashboard.views.artifacts.files_section.MOST_HANDED_OUT", 100)
    app = open_artifacts(part=FILES)
    assert not app.exception
    assert not downloads(app)
    assert "is larger than" in words(app)


def test_files_that_are_not_as_listed_are_named(open_artifacts, data_copy):
    folder = data_copy / "micro"
    changed, gone = sorted((folder / "quantized").glob("*.parquet"))[:2]
    table = pq.read_table(changed)
    pq.write_table(table, changed, compression="none")
    gone.unlink()
    new = folder / "models/new.parquet"
    models = pq.read_table(next((folder / "models").glob("*.parquet")))
    place = models.column_names.index("model_id")
    renamed = models.set_column(place, models.schema.field("model_id"), pa.array(["other"]))
    pq.write_table(renamed, new)
    app = open_artifacts(data_copy, part=FILES)
    assert not app.exception
    assert all(part in sentences(app)[0] for part in ("1 changed", "1 missing", "1 not listed"))
    states = app.dataframe[0].value.set_index("file")["state"]
    assert states[f"quantized/{changed.name}"] == "changed"
    assert states[f"quantized/{gone.name}"] == "missing"
    assert states["models/new.parquet"] == "not listed"
    assert f"quantized/{gone.name}" not in app.selectbox(key="file").options


def test_a_change_of_the_same_size_is_seen_by_its_sum(data_copy):
    listed = json.loads((data_copy / "micro/manifest.json").read_text())
    name = next(iter(listed["files"]))
    listed["files"][name]["sha256"] = "0" * 64
    (data_copy / "micro/manifest.json").write_text(json.dumps(listed))
    states = file_list.states(Suite(data_copy, "micro")).set_index("file")["state"]
    assert states[name] == "changed"
    assert (states.drop(name) == "as listed").all()


@pytest.mark.parametrize(
    "content", [None, b"", b"{", b"[]", b'{"files": 3}', b'{"files": {"a": 1}}']
)
def test_without_a_manifest_the_page_says_so(open_artifacts, data_copy, content):
    manifest = data_copy / "micro/manifest.json"
    manifest.unlink()
    if content is not None:
        manifest.write_bytes(content)
    app = open_artifacts(data_copy, part=FILES)
    assert not app.exception
    assert "no manifest that can be read" in sentences(app)[0]
    assert set(app.dataframe[0].value["state"]) == {"no manifest"}


def test_a_file_of_several_models_and_settings_says_so(data_copy):
    files = sorted((data_copy / "micro/quantized").glob("*.parquet"))
    metadata = pq.read_schema(files[0]).metadata
    packed = pa.concat_tables([pq.read_table(file) for file in files])
    for file in files:
        file.unlink()
    packed = packed.replace_schema_metadata(metadata)
    pq.write_table(packed, data_copy / "micro/quantized/all.parquet", row_group_size=5)
    suite = Suite(data_copy, "micro")
    row = file_list.files(suite).set_index("file").loc["quantized/all.parquet"]
    assert (row["model_id"], row["setting"]) == (file_list.SEVERAL, file_list.SEVERAL)
    assert row["rows"] == packed.num_rows
    # A number of any model may come from it.
    path = next(path for path in PATHS if path.label == "Quantization gap")
    assert "quantized/all.parquet" in set(
        source_files(suite, path, "ladder-5k", "GPTQ, 4 bits")["file"]
    )


# --- where numbers come from


def test_every_path_leads_to_an_equation_a_function_and_columns_that_are_there():
    theory = (ROOT / "docs/THEORY.md").read_text()
    titles = {page.name for page in PAGES}
    for path in PATHS:
        assert f"\n## {path.section}. " in theory
        assert "|" not in path.formula  # it stands in a table
        for source in path.sources:
            table, column = source.split(".")
            assert column in schema.TABLES[table].names
        assert set(path.pages) <= titles
        if path.function:
            module, _, name = path.function.rpartition(".")
            assert callable(getattr(importlib.import_module(module), name))


def test_the_files_of_a_number_are_those_of_its_model_and_setting(seen_artifacts):
    app = seen_artifacts(
        part=NUMBERS, number="Bound, geometric form", of="ladder-6k", at="GPTQ, 4 bits"
    )
    assert not app.exception
    assert not sentences(app)
    names = [name.rpartition("--")[0] for name in app.dataframe[0].value["file"]]
    assert names == [
        "models/ladder-6k",
        "quantized/ladder-6k--gptq-b4",
        "loss_histograms/ladder-6k--gptq-b4",
    ]
    assert app.latex
    assert "section 5 of docs/THEORY.md" in words(app).lower().replace("theory", "THEORY")
    assert "`bounds.chosen_geometric_bound`" in words(app)


def test_a_number_that_a_suite_lacks_is_a_sentence(open_artifacts, data_copy):
    for table in ("curvature", "spectra"):
        for file in data_copy.glob(f"micro/{table}/*"):
            file.unlink()
    app = open_artifacts(data_copy, part=NUMBERS, number="Traces of the curvature")
    assert not app.exception
    assert "has no such files for this model" in sentences(app)[0]


# --- every state


@pytest.mark.parametrize("part", ["What was run", TABLES, FILES, NUMBERS])
def test_every_part_of_a_sampled_suite(open_artifacts, sampled_suites, part):
    table = "token_losses" if part != FILES else "models"
    app = open_artifacts(sampled_suites, suite="sampled", part=part, table=table)
    assert not app.exception
    assert not app.error
    assert app.dataframe
    assert any("Scored on: sampled windows" in caption.value for caption in app.caption)


def test_one_model_and_several_seeds(open_artifacts, repeated_copy):
    parts = ("What was run", TABLES, FILES, NUMBERS)
    run, *others = (open_artifacts(repeated_copy, part=part) for part in parts)
    assert not any(app.exception for app in (run, *others))
    assert "ladder-5k-seed1" in set(frame_with(run, "weights_sha256")["model_id"])
    for model_id in ("ladder-6k", "ladder-12k"):
        for file in repeated_copy.glob(f"micro/*/*{model_id}--*"):
            file.unlink()
    assert not any(open_artifacts(repeated_copy, part=part).exception for part in parts)


def test_a_damaged_file_is_one_sentence_that_names_it(open_artifacts, data_copy):
    victim = min(data_copy.glob("micro/units/*.parquet"))
    cut_in_half(victim)
    app = open_artifacts(data_copy)
    assert not app.exception
    assert len(sentences(app)) == 1
    assert f"micro/units/{victim.name} is damaged" in sentences(app)[0]
    assert str(data_copy) not in sentences(app)[0]


def test_damaged_pages_of_a_file_are_one_sentence(open_artifacts, data_copy):
    for victim in data_copy.glob("micro/layers/*.parquet"):
        content = bytearray(victim.read_bytes())
        footer = 8 + int.from_bytes(content[-8:-4], "little")  # it stays whole
        content[4:-footer] = bytes(len(content) - 4 - footer)
        victim.write_bytes(bytes(content))
    app = open_artifacts(data_copy, part=TABLES, table="layers")
    assert not app.exception
    assert "is damaged or was replaced while it was read" in sentences(app)[0]
    assert not app.dataframe
    assert not open_artifacts(data_copy, part=TABLES, table="models").error


def test_other_pages_link_here(seen_app, seen_artifacts):
    assert any(link.proto.page == "artifacts" for link in seen_app().get("page_link"))
    assert not seen_artifacts().get("page_link")


def test_times_are_utc(suite):
    stages = runs.by_stage(suite)
    assert stages["first"].min() <= stages["last"].max() <= datetime.now(UTC)
