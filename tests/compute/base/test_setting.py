"""Settings: what each quantizer needs, and what it has no use for."""

import dataclasses

import pytest

import schema
from compute.base.setting import Setting
from tests.compute.helpers.examples import SETTINGS


def test_there_is_an_example_of_every_quantizer_and_slugs_tell_them_apart():
    assert {setting.quantizer for setting in SETTINGS} == set(schema.QUANTIZERS) - {"gguf"}
    assert len({setting.slug for setting in SETTINGS}) == len(SETTINGS)
    assert Setting("rtn", bits=3, group_size=5).slug == "rtn-b3-g5"
    assert Setting("gptq_step", step=0.5).slug == "gptq_step-step0.5"
    assert Setting("ldlq_rotated", bits=4, quantizer_seed=7).slug == "ldlq_rotated-b4-seed7"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"quantizer": "guess"}, "quantizer='guess' is not one of none, cast, rtn"),
        ({"quantizer": "rtn"}, "'rtn' needs bits"),
        ({"quantizer": "rtn", "bits": 99}, r"bits=99 of rtn must be in \[1, 8\]"),
        ({"quantizer": "gptq", "bits": 0}, r"bits=0 of gptq must be in \[1, 8\]"),
        ({"quantizer": "ldlq", "bits": -4}, "bits=-4 of ldlq must be"),
        ({"quantizer": "cast", "bits": 8}, r"bits=8 of cast must be in \[16, 16\]"),
        ({"quantizer": "none", "bits": 16}, r"bits=16 of none must be in \[32, 32\]"),
        ({"quantizer": "gptq_step"}, "'gptq_step' needs step"),
        ({"quantizer": "gptq_step", "step": 0.0}, r"step=0\.0 must be positive"),
        ({"quantizer": "gptq_step", "step": -0.5}, r"step=-0\.5 must be positive"),
        ({"quantizer": "gptq_step", "step": float("nan")}, "step=nan must be positive"),
        ({"quantizer": "gptq_step", "step": float("inf")}, "step=inf must be positive"),
        ({"quantizer": "gptq_step", "step": 1.0, "bits": 4}, "'gptq_step' has no bits"),
        ({"quantizer": "rtn", "bits": 4, "step": 1.0}, "'rtn' has no step"),
        ({"quantizer": "rtn", "bits": 4, "group_size": 0}, "group_size=0 must be at least 1"),
        ({"quantizer": "gptq_step", "step": 1.0, "group_size": 8}, "group_size=8 .* has groups"),
        ({"quantizer": "cast", "bits": 16, "group_size": 8}, "group_size=8 .* has groups"),
        ({"quantizer": "ldlq_rotated", "bits": 4}, "'ldlq_rotated' needs quantizer_seed"),
        ({"quantizer": "ldlq", "bits": 4, "quantizer_seed": 0}, "'ldlq' has no quantizer_seed"),
        (
            {"quantizer": "ldlq_rotated", "bits": 4, "quantizer_seed": -1},
            "quantizer_seed=-1 must be",
        ),
    ],
)
def test_what_a_quantizer_does_not_take_is_named(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        Setting(**options)


def test_columns_are_those_of_the_tables():
    names = [field.name for field in schema.SETTING_FIELDS]
    for setting in SETTINGS:
        assert list(setting.columns) == names
        assert Setting(**setting.columns) == setting
        assert dataclasses.asdict(setting) == setting.columns


def test_one_setting_has_one_name():
    assert Setting("gptq_step", step=1) == Setting("gptq_step", step=1.0)
    assert Setting("gptq_step", step=1).slug == "gptq_step-step1.0"
