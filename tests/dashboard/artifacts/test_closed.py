"""Closed and read-only: what neither a query nor an error lets through."""

import hashlib
import shutil
from pathlib import Path

import duckdb
import pytest
import streamlit as st
from streamlit import config

from dashboard.artifacts.errors import ArtifactError
from dashboard.artifacts.suite import Suite
from dashboard.ui.page import frame


def hashes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


#: {file} is an artifact of the open suite, {folder} its folder, {other} a Parquet file elsewhere.
FORBIDDEN = [
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_blob('/proc/self/environ')",
    "SELECT * FROM read_json('/etc/passwd')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM glob('/etc/*')",
    "SELECT * FROM glob('{folder}/*')",
    "SELECT * FROM read_text('{folder}/manifest.json')",
    "SELECT * FROM read_text('{folder}/../../../../../../../../etc/passwd')",
    "SELECT * FROM read_text('{file}/../../manifest.json')",
    "SELECT * FROM read_parquet('{other}')",
    "SELECT * FROM '{other}'",
    "SELECT * FROM parquet_metadata('{other}')",
    "SELECT * FROM read_parquet('{folder}/*/*.parquet')",
    "SELECT * FROM read_parquet('https://example.org/x.parquet')",
    "SELECT * FROM read_parquet('s3://bucket/x.parquet')",
    "SELECT * FROM read_csv('http://127.0.0.1:9/x')",
    "SELECT * FROM sqlite_scan('{other}', 't')",
    "SELECT * FROM secret_frame",
    "SELECT getenv('HOME')",
    "ATTACH '{folder}/x.db' AS x",
    "ATTACH ':memory:' AS x",
    "COPY models TO '{folder}/x.csv'",
    "COPY models TO '{file}' (FORMAT parquet)",
    "COPY models TO '{file}' (FORMAT parquet, USE_TMP_FILE false)",
    "COPY models FROM '/etc/passwd'",
    "WITH x AS (COPY models TO '{file}' (FORMAT parquet, USE_TMP_FILE false)) SELECT 1",
    "SELECT 1); COPY models TO '{file}' (FORMAT parquet, USE_TMP_FILE false); FROM (SELECT 1",
    "WITH x AS (INSERT INTO empty_table VALUES (1) RETURNING *) SELECT * FROM x",
    "SELECT 1; SELECT 2",
    "SELECT 1; DROP VIEW models",
    "EXPORT DATABASE '{folder}/x'",
    "IMPORT DATABASE '/tmp/x'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "INSTALL spatial FROM community",
    "LOAD '/tmp/x.duckdb_extension'",
    "UPDATE EXTENSIONS",
    "CREATE SECRET (TYPE s3, KEY_ID 'a', SECRET 'b')",
    "CREATE TABLE x AS SELECT 1",
    "CREATE OR REPLACE VIEW models AS SELECT 1",
    "CREATE MACRO f() AS 1",
    "INSERT INTO models SELECT * FROM models",
    "DELETE FROM models",
    "UPDATE models SET model_id = 'x'",
    "DROP VIEW models",
    "ALTER VIEW models RENAME TO x",
    "PRAGMA enable_external_access = true",
    "PRAGMA threads = 9",
    "PRAGMA database_list",
    "SET enable_external_access = true",
    "SET lock_configuration = false",
    "SET allowed_paths = ['/etc/passwd']",
    "SET allowed_directories = ['/']",
    "SET temp_directory = '{folder}'",
    "SET python_enable_replacements = true",
    "RESET enable_external_access",
    "RESET lock_configuration",
    "CALL enable_logging()",
    "CHECKPOINT",
    "VACUUM",
    "USE memory",
    "BEGIN",
    "PREPARE x AS SELECT 1",
    "EXPLAIN ANALYZE SELECT 1",
    "",
    "-- nothing",
]


@pytest.mark.parametrize("sql", FORBIDDEN)
def test_a_suite_reads_its_own_files_and_does_nothing_else(forbidding, sql):
    suite, names, before = forbidding
    secret_frame = suite.models()  # DuckDB would find it by its name
    with pytest.raises(ArtifactError) as refused:
        suite.query(sql.format(**names))
    assert str(names["folder"]) not in str(refused.value)
    assert hashes(names["base"]) == before
    assert len(suite.fresh("SELECT * FROM models", None)) == len(secret_frame)


@pytest.fixture(scope="module")
def forbidding(tmp_path_factory, micro_suite):
    """An open suite, names to put into queries, and every file as it was."""
    base = tmp_path_factory.mktemp("closed")
    shutil.copytree(micro_suite / "data", base / "data")
    folder = base / "data/micro"
    file = min(folder.glob("models/*.parquet"))
    other = base / "other.parquet"
    shutil.copy(file, other)
    suite = Suite(base / "data", "micro")
    suite._connection.execute("CREATE TABLE empty_table (i INT)")  # our own hands are not bound
    return suite, {"base": base, "folder": folder, "file": file, "other": other}, hashes(base)


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("SELECT * FROM read_csv('/etc/passwd')", "disabled by configuration"),
        ("SELECT * FROM read_parquet('{other}')", "disabled by configuration"),
        ("SELECT * FROM glob('/etc/*')", "disabled by configuration"),
        ("COPY models TO '{folder}/x.csv'", "disabled by configuration"),
        ("ATTACH '{folder}/x.db' AS x", "disabled by configuration"),
        ("EXPORT DATABASE '{folder}/x'", "disabled by configuration"),
        ("INSTALL httpfs", "Permission Error"),
        ("LOAD httpfs", "disabled through configuration"),
        ("SELECT * FROM secret_frame", "does not exist"),
        ("SET lock_configuration = false", "locked"),
        ("SET allowed_paths = ['/etc/passwd']", "locked"),
        ("SET temp_directory = '{folder}'", "locked"),
        ("RESET enable_external_access", "locked"),
        ("PRAGMA enable_external_access = true", "locked"),
    ],
)
def test_duckdb_itself_is_shut_in(forbidding, sql, why):
    suite, names, before = forbidding
    secret_frame = suite.models()
    with pytest.raises(duckdb.Error, match=why):
        suite._connection.cursor().execute(sql.format(**names)).fetchall()
    assert len(secret_frame)
    assert hashes(names["base"]) == before


def test_the_rows_of_a_query_stand_in_its_order(suite):
    rows = suite.query("SELECT model_id FROM models ORDER BY params_total DESC, model_id -- so")
    sizes = suite.query("SELECT params_total FROM models ORDER BY params_total DESC")
    assert list(sizes["params_total"]) == sorted(sizes["params_total"], reverse=True)
    assert len(rows) == len(sizes) > 2


@pytest.mark.parametrize("name", ["it's here", "a, b", "[x]", "100%", "data"])
def test_a_folder_of_any_name_can_be_opened(tmp_path, micro_suite, monkeypatch, name):
    shutil.copytree(micro_suite / "data", tmp_path / name)
    assert len(Suite(tmp_path / name, "micro").models()) == 3
    monkeypatch.chdir(tmp_path)
    assert len(Suite(Path(name), "micro").models()) == 3


@pytest.mark.parametrize("details", ["full", "stacktrace", "none"])
def test_what_nobody_foresaw_is_one_sentence(open_app, monkeypatch, caplog, details):
    def broken(*_):
        raise ZeroDivisionError(f"in {frame.__file__}")

    monkeypatch.setattr(frame, "title", broken)
    before = config.get_option("client.showErrorDetails")
    config.set_option("client.showErrorDetails", details)  # some hosts set it
    try:
        app = open_app()
    finally:
        config.set_option("client.showErrorDetails", before)
    assert not app.exception
    assert [error.value for error in app.error] == [
        "Something went wrong here; the log of this server has the details. Reload the page, or "
        "open another one."
    ]
    logged = [r for r in caplog.records if r.name == "dashboard.ui.page.error_boundary"]
    assert "ZeroDivisionError" in caplog.text
    assert len(logged) == 1
    caplog.clear()
    monkeypatch.undo()


def test_a_page_that_stops_or_starts_anew_is_no_error(open_app, monkeypatch):
    monkeypatch.setattr(frame, "title", lambda *_: st.stop())
    assert not open_app().error


def test_streamlit_is_told_to_keep_to_itself():
    assert config.get_option("client.showErrorDetails") == "none"
    assert config.get_option("client.toolbarMode") == "viewer"
    assert config.get_option("browser.gatherUsageStats") is False
    assert config.get_option("server.fileWatcherType") == "none"
    assert config.get_option("server.maxUploadSize") <= 50
    assert config.get_option("server.enableStaticServing") is False
    assert config.get_option("server.enableXsrfProtection") is True
