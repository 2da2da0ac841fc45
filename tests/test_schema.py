import pytest

import schema


def test_every_column_has_a_description():
    for table, columns in schema.TABLES.items():
        for field in columns:
            if field.name not in {f.name for f in schema.SETTING_FIELDS}:
                assert field.metadata[b"description"], (table, field.name)


@pytest.mark.parametrize(
    ("version", "complaint"),
    [(None, "no Boundscape schema version"), ("2.0", "schema version 2.0"), ("1.7", None)],
)
def test_versions(version, complaint):
    got = schema.version_complaint(version)
    assert (complaint in got) if complaint else got is None
