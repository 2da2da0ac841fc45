"""What is asked of every page, each opened once as it is and once with other choices."""

import pytest

from dashboard.export import view_file
from dashboard.export.chart_files import complete_spec
from dashboard.ui.page.navigation import PAGES as ENTRIES
from tests.dashboard.charts.test_subtitles import check_subtitles
from tests.dashboard.charts.test_tooltips import check_axes, check_tooltips
from tests.dashboard.export.test_chart_files import check_file_names, check_files
from tests.dashboard.export.test_export import check_document
from tests.dashboard.helpers.views import PAGES, link_of, numbers_of, query_of, record_of
from tests.dashboard.style.test_headers import check_headers
from tests.dashboard.ui.test_share import version_notices


def test_every_page_is_looked_at():
    assert list(PAGES) == [page.name for page in ENTRIES]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("chosen", [False, True], ids=["default", "chosen"])
def test_its_charts_and_tables_are_labelled_and_right_by_the_schema(page, chosen, seen_page):
    """Charts can be taken away as well. The app itself checks no schema."""
    app = seen_page(page, **(PAGES[page] if chosen else {}))
    charts = record_of(app).charts()
    assert charts or page == "artifacts" or (page == "your_losses" and not chosen)
    check_subtitles(app, PAGES[page].get("unit") if chosen else None)
    check_file_names(charts)
    # The rows of a stored table are under the names that the filter understands.
    if page != "artifacts":
        check_headers(app)
        assert app.dataframe or page == "your_losses"
    tooltips = 0
    for part in charts:
        valid, spec = part.chart.to_dict(validate=True), complete_spec(part)
        tooltips += check_tooltips(spec)
        check_axes(spec)
        if not chosen or page == "your_losses":
            check_files(part, valid, spec)
    assert tooltips or not charts


@pytest.mark.parametrize("page", PAGES)
def test_the_file_of_a_view_has_its_numbers_and_provenance(page, seen_page, no_pictures):
    app = seen_page(page, **PAGES[page])
    check_document(app, view_file.document(record_of(app), link_of(app)))


@pytest.mark.parametrize("page", PAGES)
def test_a_copied_link_opens_the_same_view(page, seen_page, open_page):
    app = seen_page(page, **PAGES[page])
    assert not app.exception
    controls = {name: control.value for name, control in record_of(app).controls.items()}
    for name, value in PAGES[page].items():
        assert str(controls[name]).lower() == value.lower()
    query = query_of(link_of(app))
    # Every control is in it, also those at their default.
    assert set(query) == {*controls, "version"}
    assert {"suite"} <= set(query)
    again = open_page(page, **query)
    assert not again.exception
    assert not version_notices(again)
    assert {n: c.value for n, c in record_of(again).controls.items()} == controls
    assert numbers_of(again) == numbers_of(app)
    assert link_of(again) == link_of(app)
