"""The operator com.acme.Swoosh: log(1 + e^(x - shift)) - 0.08 x - offset.

It is the activation of Zipformer, a network for speech: SwooshL where shift is 4.
"""

from onnx2ms.plugins import Code, Layer, Op, define, emits

meaning = define(
    """
    <domain: "com.acme", opset_import: ["": 20]>
    Swoosh <shift, offset> (x) => (y) {
        shift = Constant <value_float: float = @shift> ()
        offset = Constant <value_float: float = @offset> ()
        slope = Constant <value_float = 0.08> ()
        shifted = Sub (x, shift)
        soft = Softplus (shifted)
        line = Mul (x, slope)
        bent = Sub (soft, line)
        y = Sub (bent, offset)
    }
    """
)


@emits("Swoosh", domain="com.acme", versions=(1,))
def swoosh(op: Op) -> Code:
    """A cell of its own, Swoosh.py, whose gradient keeps nothing but x: nn.Cell, ops.sigmoid."""
    shift, offset = (round(op.attr(name, 0.0), 6) for name in ("shift", "offset"))
    return Layer("Swoosh", {"shift": shift, "offset": offset}, (op[0],), word="swoosh")
