"""Links that reproduce a view, and what they say on other artifacts."""

import hashlib
import shutil

from dashboard.artifacts.suite import Suite
from tests.dashboard.helpers.views import link_of, numbers_of, query_of

OTHER = "0123456789ab"


def version_notices(app):
    return [w.value for w in app.warning if "This link was made with version" in w.value]


def test_the_link_is_absolute_and_of_the_page(open_page):
    app = open_page("quantization")
    app.context = {"url": "https://example.org/app/quantization"}
    assert link_of(app.run()).startswith("https://example.org/app/quantization?suite=micro&")


def test_the_version_is_the_hash_of_the_manifest(suite, micro_suite, data_copy):
    manifest = micro_suite / "data/micro/manifest.json"
    assert suite.version.short == hashlib.sha256(manifest.read_bytes()).hexdigest()[:12]
    (data_copy / "micro/manifest.json").write_text("{}")
    assert Suite(data_copy, "micro").version.short != suite.version.short
    (data_copy / "micro/manifest.json").unlink()
    bare = Suite(data_copy, "micro").version
    assert bare == Suite(data_copy, "micro").version
    min(data_copy.glob("micro/units/*.parquet")).unlink()
    assert Suite(data_copy, "micro").version != bare


def test_an_old_link_on_new_artifacts_says_so_and_opens(open_page, suite):
    app = open_page("bound_explorer", bits="3", version=f"micro:{OTHER}")
    (notice,) = version_notices(app)
    assert f"`{OTHER}`" in notice
    assert f"`{suite.version.short}`" in notice
    assert "Numbers may differ" in notice
    assert numbers_of(app) == numbers_of(open_page("bound_explorer", bits="3"))
    assert query_of(link_of(app))["version"] == f"micro:{suite.version.short}"
    app.select_slider(key="bits").set_value("4").run()
    assert not version_notices(app)


NO_VERSIONS = [
    *("", "0123", OTHER, "micro:0123", "micro:0123456789AB"),
    *(f"nope:{OTHER}", "micro:<b>", "🐍:" * 12),
]


def test_what_is_no_version_is_ignored(open_page):
    """Each by itself, so that one link can have them all."""
    app = open_page("bound_explorer", version=NO_VERSIONS)
    assert not app.exception
    assert not [*app.warning, *app.error]
    app = open_page("bound_explorer", version=[*NO_VERSIONS, f"micro:{OTHER}"])
    assert len(version_notices(app)) == 1


def test_a_suite_that_is_not_there_is_one_complaint(seen_page):
    app = seen_page("bound_explorer", suite="nope", version=f"nope:{OTHER}")
    assert len(app.warning) == 1
    assert "`nope`" in app.warning[0].value


def test_every_compared_suite_has_its_version(open_page, data_copy):
    shutil.copytree(data_copy / "micro", data_copy / "twin")
    with (data_copy / "twin/manifest.json").open("a") as file:
        file.write("\n")
    app = open_page("bound_explorer", data_copy, suite="micro", compare="twin")
    versions = [f"{n}:{Suite(data_copy, n).version.short}" for n in ("micro", "twin")]
    query = query_of(link_of(app))
    assert query["version"] == versions
    assert versions[0] != versions[1]
    again = open_page("bound_explorer", data_copy, **query)
    assert not version_notices(again)
    assert numbers_of(again) == numbers_of(app)
    old = open_page(
        "bound_explorer", data_copy, **query | {"version": [versions[0], f"twin:{OTHER}"]}
    )
    (notice,) = version_notices(old)
    assert "suite “twin”" in notice
    # A suite that is not there takes its version with it, and no other's.
    both = {"compare": ["gone", "twin"], "version": [versions[0], f"gone:{OTHER}", versions[1]]}
    assert not version_notices(open_page("bound_explorer", data_copy, **query | both))


def test_a_page_with_nothing_to_show_can_be_shared_all_the_same(open_page, data_copy):
    for file in (data_copy / "micro/curvature").glob("*.parquet"):
        file.unlink()
    app = open_page("curvature", data_copy)
    assert not app.exception
    assert query_of(link_of(app))["suite"] == "micro"
