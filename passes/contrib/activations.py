"""Activations and what is fused with them."""

import onnx_ir as ir

from ...compiler.ir.graph import attribute
from ..rewrite import AttributeValue, Site
from .rules import contrib, dtype_of, like, number, swap_last, total


@contrib("Gelu", "BiasGelu")
def gelu(site: Site) -> bool:
    """Gelu of x, or of x + bias."""
    x = total(site, site[0], site[1])
    site.replace(site.add("Gelu", [x], dtype=dtype_of(x)))
    return True


@contrib("FastGelu")
def fast_gelu(site: Site) -> bool:
    """Gelu by tanh, of x + bias."""
    x = total(site, site[0], site[1])
    site.replace(site.add("Gelu", [x], approximate="tanh", dtype=dtype_of(x)))
    return True


@contrib("QuickGelu")
def quick_gelu(site: Site) -> bool:
    """X sigmoid(alpha x)."""
    alpha = number(site, "alpha", 1.702)
    site.replace(site.add("Swish", [site[0]], alpha=alpha, dtype=dtype_of(site[0])))
    return True


@contrib("FusedMatMul")
def fused_matmul(site: Site) -> bool:
    """Alpha A' B', either transposed."""
    node = site.node
    if attribute(node, "transBatchA", 0) or attribute(node, "transBatchB", 0):
        return False
    left = swap_last(site, 0) if attribute(node, "transA", 0) else site[0]
    right = swap_last(site, 1) if attribute(node, "transB", 0) else site[1]
    if left is None or right is None:
        return False
    product = site.add("MatMul", [left, right], dtype=dtype_of(left))
    alpha = number(site, "alpha", 1.0)
    if alpha != 1:
        product = site.add("Mul", [product, like(site, alpha, "alpha")], dtype=dtype_of(left))
    site.replace(product)
    return True


ACTIVATIONS: dict[str, tuple[str, ...]] = {
    "Relu": (),
    "Tanh": (),
    "Sigmoid": (),
    "LeakyRelu": ("alpha",),
    "HardSigmoid": ("alpha", "beta"),
}
"""What can be fused with a convolution or a product, and its parameters in order."""


@contrib("FusedConv")
def fused_conv(site: Site) -> bool:
    """The activation of a Conv, to which another tensor may be added."""
    value = before_activation(site, "Conv")
    result = total(site, value, site[3])
    return activate(site, result or value, attribute(site.node, "activation", ""))


@contrib("FusedGemm")
def fused_gemm(site: Site) -> bool:
    """The activation of a Gemm."""
    value = before_activation(site, "Gemm")
    return activate(site, value, attribute(site.node, "activation", ""))


def before_activation(site: Site, op_type: str) -> ir.Value:
    """Return what a fused node computes before its activation, and before it adds anything."""
    attributes: dict[str, AttributeValue] = {
        key: attr.value
        for key, attr in site.node.attributes.items()
        if not key.startswith("activation")
    }
    inputs = [site[0], site[1], site[2]]
    return site.add(op_type, inputs, dtype=dtype_of(site[0]), **attributes)


def activate(site: Site, value: ir.Value, name: str) -> bool:
    """Replace a node by an activation of a value; by the value itself if there is none."""
    if name == "Clip":
        low, high = attribute(site.node, "activation_params", (0.0, 6.0))
        bounds = [like(site, low, "low"), like(site, high, "high")]
        site.replace(site.add("Clip", [value, *bounds], dtype=value.dtype))
        return True
    if name and name not in ACTIVATIONS:
        return False
    if name:
        given: tuple[float, ...] = attribute(site.node, "activation_params", ())
        named = dict(zip(ACTIVATIONS[name], given, strict=False))
        for parameter in ACTIVATIONS[name]:  # in Gemm each is an attribute of its own
            held: float | None = attribute(site.node, f"activation_{parameter}", None)
            if held is not None:
                named[parameter] = held
        value = site.add(name, [value], dtype=value.dtype, **named)
    site.replace(value)
    return True
