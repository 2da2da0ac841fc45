import pytest

import schema


def test_every_column_has_a_description():
    for table, columns in schema.TABLES.items():
        for field in columns:
            assert field.metadata[b"description"], (table, field.name)


@pytest.mark.parametrize(
    ("version", "complaint"),
    [(None, "no Boundscape schema version"), ("2.0", "schema version 2.0"), ("1.7", None)],
)
def test_versions(version, complaint):
    got = schema.version_complaint(version)
    assert (complaint in got) if complaint else got is None


def test_every_quantizer_of_the_schema_has_parameters_and_a_name_for_readers():
    from compute.base.setting import _PARAMETERS
    from dashboard.artifacts.settings import Setting

    assert set(_PARAMETERS) == set(schema.QUANTIZERS)
    for quantizer in schema.QUANTIZERS:
        assert Setting(quantizer, bits=4).family.label
