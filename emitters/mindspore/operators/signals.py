"""Spectra, where a length, a step or an axis is computed; `lower_fourier` has written the others.

Each is a function in the module.
"""

import onnx_ir as ir

from ..code import ATOM, Code
from ..draft import Draft
from ..dtypes import mindspore_dtype
from ..registry import Op, emits


@emits("DFT")
def dft(op: Op) -> Code:
    """DFT-20 along a computed axis or of a computed length, by a function in the module."""
    draft = Draft(op)
    axis = draft.integer(2, "axis") if op.has(2) else "-2"
    given = [draft.operand(0), axis]
    given += [draft.integer(1, "length")] if op.has(1) else []
    given += [f"{name}=True" for name in ("inverse", "onesided") if op.attr(name, 0)]
    return draft.expression(
        f"transform_fourier({', '.join(given)})", helpers=("transform_fourier",)
    )


@emits("STFT")
def stft(op: Op) -> Code:
    """STFT-17 with a computed step, length or window, by a function in the module."""
    draft = Draft(op)
    given = [draft.operand(0), draft.integer(1, "step")]
    if op.has(3):
        given.append(draft.integer(3, "length"))
    else:
        given.append(f"{draft.operand(2, ATOM)}.shape[0]")
    given += [f"window={draft.operand(2)}"] if op.has(2) else []
    given += [] if op.attr("onesided", 1) else ["onesided=False"]
    template = f"transform_frames({', '.join(given)})"
    return draft.expression(template, helpers=("transform_frames",))


@emits("MelWeightMatrix")
def mel_weight_matrix(op: Op) -> Code:
    """MelWeightMatrix-17 of computed bounds, by a function in the module."""
    draft = Draft(op)
    given = [draft.integer(i, name) for i, name in enumerate(("bins", "length", "rate"))]
    given += [draft.operand(3), draft.operand(4)]
    dtype = mindspore_dtype(op.attr("output_datatype", int(ir.DataType.FLOAT)))
    return draft.expression(f"weigh_mels({', '.join(given)}, {dtype})", helpers=("weigh_mels",))
