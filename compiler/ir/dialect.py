"""The one ONNX dialect that every graph inside the compiler is written in.

Nothing after the stage `modernize` knows of any other operator set.
"""

OPSET = 24
"""Version of the domain ai.onnx. onnxruntime 1.31 runs 26 but has no Swish kernel above 24."""

IR_VERSION = 13
"""Newest file format that onnxruntime 1.31 reads."""

DOMAIN = "onnx2ms"
"""Domain of our own operators; each is carried with a FunctionProto body, its definition."""

NEWEST_OPSET = 28
"""Newest version of ai.onnx that has been read; a newer one is refused by name."""
