"""A file is what it was or what it is to be, and nothing is left beside it."""

import pytest

from compute.base.whole_file import WRITING, whole_file


def test_the_file_appears_when_it_is_whole(tmp_path):
    file = tmp_path / "folder" / "a.json"
    with whole_file(file) as writing:
        writing.write_text("whole")
        assert not file.exists()
        assert writing.name.endswith(WRITING)
        assert writing.parent == file.parent
    assert file.read_text() == "whole"
    assert list(file.parent.iterdir()) == [file]


def test_an_interruption_leaves_the_file_as_it_was(tmp_path):
    file = tmp_path / "a.json"
    file.write_text("before")
    with pytest.raises(KeyboardInterrupt), whole_file(file) as writing:  # noqa: PT012
        writing.write_text("half")
        raise KeyboardInterrupt
    assert file.read_text() == "before"
    assert list(tmp_path.iterdir()) == [file]


def test_two_writers_do_not_share_a_path(tmp_path):
    file = tmp_path / "a.json"
    with whole_file(file) as one, whole_file(file) as other:
        one.write_text("one")
        other.write_text("other")
    assert file.read_text() in ("one", "other")
    assert list(tmp_path.iterdir()) == [file]
