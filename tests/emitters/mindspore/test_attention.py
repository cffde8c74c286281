"""The functions that a module of transformers holds, and what its values are called."""

import ast
import inspect
import types

import mindspore as ms
import numpy as np
import onnx_ir as ir
import pytest
from mindspore import ops

from onnx2ms.compiler.ir.provenance import Module, set_scope
from onnx2ms.emitters.base import EmitOptions
from onnx2ms.emitters.mindspore import MindSporeEmitter
from onnx2ms.passes.pipeline import run_pipeline

OPERANDS = "float[1,2,3,8] q, float[1,2,3,8] k, float[1,2,3,8] v"


def function(source: str, name: str) -> str:
    """Return the text of a function of the module; empty if there is none."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return ast.unparse(node)
    return ""


def test_a_module_without_attention_has_no_switch(emit):
    source = emit("g (float[2,3] x) => (float[2,3] y) { y = Relu(x) }").source
    assert "FLASH_ATTENTION" not in source
    assert not function(source, "dot_product_attention")


def test_the_function_takes_what_is_given(emit):
    source = emit(f"g ({OPERANDS}) => (float[1,2,3,8] y) {{ y = Attention(q, k, v) }}").source
    text = function(source, "dot_product_attention")
    assert "mask" not in text
    assert "bias" not in text
    assert "scale:" not in text
    assert source.index("FLASH_ATTENTION = False") < source.index("class ")
    assert "return dot_product_attention(q, k, v)" in source


@pytest.mark.parametrize(("kind", "name"), [("bool", "mask"), ("float", "bias")])
def test_every_call_has_a_mask(emit, kind, name):
    text = f"""g ({OPERANDS}, {kind}[3,3] m) => (float[1,2,3,8] y)
    {{ a = Attention(q, k, v, m) y = Attention(a, k, v, m) }}"""
    declared = function(emit(text).source, "dot_product_attention")
    assert f"{name}: ms.Tensor" in declared
    assert f"{name}: ms.Tensor | None" not in declared
    assert f"if {name} is not None" not in declared


def test_some_calls_have_a_mask_or_a_scale(emit):
    text = f"""g ({OPERANDS}, bool[3,3] m) => (float[1,2,3,8] y)
    {{ a = Attention(q, k, v, m) y = Attention <scale = 1.0> (a, k, v) }}"""
    declared = function(emit(text).source, "dot_product_attention")
    assert "mask: ms.Tensor | None=None" in declared
    assert "scale: float | None=None" in declared
    assert "hidden = None if mask is None else ~mask.broadcast_to(shape)" in declared


@pytest.mark.parametrize("kind", ["", "bool[1,1,1,3] m", "float[3,3] m"])
def test_the_fused_kernel_is_called_as_it_is_documented(emit, kind):
    """`ops.flash_attention_score` of MindSpore 2.10, of which a CPU has the signature alone."""
    mask = ", m" if kind else ""
    name = "onnx2ms.BiasedAttention" if "float" in kind else "Attention"
    text = f"""g ({", ".join(filter(None, [OPERANDS, kind]))}) => (float[1,2,3,8] y)
    {{ y = {name} <scale = 0.25> (q, k, v{mask}) }}"""
    written = function(emit(text).source, "dot_product_attention")
    declared = inspect.signature(ops.flash_attention_score)
    rng = np.random.default_rng(0)
    given = [ms.Tensor(rng.standard_normal((1, 2, 3, 8)).astype(np.float32)) for _ in range(3)]
    if "bool" in kind:
        given.append(ms.Tensor(np.array([True, False, True]).reshape(1, 1, 1, 3)))
    elif kind:
        given.append(ms.Tensor(rng.standard_normal((3, 3)).astype(np.float32)))

    def kernel(*arguments, **keywords):
        call = declared.bind(*arguments, **keywords).arguments
        assert call["head_num"] == 2
        assert call["input_layout"] == "BNSD"
        scores = call["query"] @ call["key"].swapaxes(-1, -2) * call["scalar_value"]
        if (shift := call.get("real_shift")) is not None:
            assert shift.shape == scores.shape
            scores = scores + shift
        if (hidden := call.get("attn_mask")) is not None:
            assert (hidden.shape, hidden.dtype) == (scores.shape, ms.bool_)
            scores = ops.where(hidden, ms.Tensor(-1e30, ms.float32), scores)
        return ops.softmax(scores, axis=-1) @ call["value"]

    results = []
    for switch in (False, True):
        fake = types.SimpleNamespace(
            softmax=ops.softmax, where=ops.where, flash_attention_score=kernel
        )
        names = {"ms": ms, "ops": fake, "FLASH_ATTENTION": switch}
        exec(written, names)  # what was just emitted
        results.append(names["dot_product_attention"](*given, scale=0.25).asnumpy())
    assert np.allclose(*results, rtol=0, atol=1e-6)


def test_projections_are_named_for_what_they_are(emit):
    text = """g (float[1,3,16] x) => (float[1,2,3,8] y)
    <int64[4] heads = {1, 3, 2, 8}>
    { a = Reshape(x, heads) q = Transpose <perm = [0, 2, 1, 3]> (a) b = Sin(x) c = Reshape(b, heads)
      k = Transpose <perm = [0, 2, 1, 3]> (c) y = Attention(q, k, k) }"""
    source = emit(text).source
    assert "query = x.reshape(" in source
    assert "key = " not in source, "it is the value too"


def test_constants_that_turn_queries_are_cos_and_sin(emit):
    numbers = ", ".join("0.5" for _ in range(24))
    text = f"""g ({OPERANDS}) => (float[1,2,3,8] y)
    <float[1,1,3,8] c = {{{numbers}}}, float[1,1,3,8] s = {{{numbers}}}>
    {{ a = Mul(q, c) h = onnx2ms.RotateHalf(q) b = Mul(h, s) r = Add(a, b)
      y = Attention(r, k, v) }}"""
    source = emit(text).source
    assert "query = q * self.cos + rotate_half(q) * self.sin" in source


def test_a_value_that_layers_share_is_computed_around_them():
    """The mask stands in the first layer of the file, and is read in both."""
    kind = "float[1,2,3,8]"
    model = ir.from_onnx_text(
        f"""<ir_version: 10, opset_import: ["": 24]>
        g ({kind} x, bool[1,1,3,3] m) => ({kind} y) <float zero = {{0}}, float low = {{-1000}}>
        {{ b = Where(m, zero, low) a = Attention(x, x, x, b) y = Attention(a, a, a, b) }}"""
    )
    for node, layer in zip(model.graph, (0, 0, 1), strict=True):
        layers = (Module("layers", "torch.nn.modules.container.ModuleList"),)
        set_scope(node, (Module("", "Net"), *layers, Module(f"layers.{layer}", "my.Layer")))
    run_pipeline(model)
    emission = MindSporeEmitter().emit(model, EmitOptions("net.onnx", "", 24, "w.ckpt", "0"))
    holders = [
        node.name
        for node in ast.parse(emission.source).body
        if isinstance(node, ast.ClassDef) and "ops.where" in ast.unparse(node)
    ]
    assert holders == ["Layers"]
