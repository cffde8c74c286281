"""ONNX publishes new versions of its operators: each must have been read before it is accepted."""

from collections import defaultdict

import pytest
from onnx import defs

from onnx2ms.compiler.ir.dialect import NEWEST_OPSET, OPSET
from onnx2ms.passes.modernize.form import reads, unchanged
from onnx2ms.passes.modernize.operators import READINGS


def published():
    versions = defaultdict(set)
    for schema in defs.get_all_schemas_with_history():
        if not schema.domain and schema.since_version <= NEWEST_OPSET:
            versions[schema.name].add(schema.since_version)
    return versions


def test_every_operator_is_read():
    assert set(READINGS) == set(published())


def test_every_version_is_read():
    versions = published()
    unread = {name: versions[name] ^ READINGS[name].versions for name in READINGS}
    assert not {name: numbers for name, numbers in unread.items() if numbers}


def test_an_operator_without_rule_keeps_its_form():
    """From version to version it gains attributes and inputs, and loses and changes none."""
    for name, reading in READINGS.items():
        if reading.rule is None and defs.has(name, OPSET):
            newest = defs.get_schema(name, OPSET)
            for version in reading.versions:
                if version <= OPSET:
                    compare(defs.get_schema(name, version), newest)


def compare(older, newest):
    where = f"{older.name} {older.since_version}"
    attributes = set(older.attributes) - {"consumed_inputs"}
    assert attributes <= set(newest.attributes), where
    for name in attributes:
        default = newest.attributes[name].default_value.SerializeToString()
        assert older.attributes[name].default_value.SerializeToString() == default, where
    inputs = [item.name for item in newest.inputs]
    assert [item.name for item in older.inputs] == inputs[: len(older.inputs)], where


def test_an_operator_is_read_once():
    with pytest.raises(ValueError, match="Conv is read twice"):
        unchanged({"Conv": (1,)})
    with pytest.raises(ValueError, match="Gemm is read twice"):
        reads("Gemm", versions=(1,))(lambda form: None)
