"""Fourier transforms."""

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from ...compiler.ir.graph import attribute, axis_of, constant, integers, shape_of
from ...compiler.ir.provenance import add_history
from ..base import graph_pass
from ..rewrite import Site, sites

Floats = npt.NDArray[np.float64]
LARGEST = 2**25
"""Most elements of the matrix of a transform."""


@graph_pass(after=("fold_constants",))
def lower_fourier(graph: ir.Graph) -> int:
    """Write DFT and STFT as the product with a constant matrix of sines and cosines.

    Complex tensors of MindSpore 2.10 have no gradients on CPU.
    """
    lowered = 0
    for site in sites(graph, "DFT", "STFT"):
        is_whole = site.node.op_type == "DFT"
        lowered += _transform(site) if is_whole else _transform_frames(site)
    return lowered


def matrix(size: int, length: int, parts: int, *, inverse: bool, onesided: bool) -> Floats:
    """Return the matrix of a transform of `length`, applied to `size` numbers of `parts` parts.

    Rows are the numbers given (real, imaginary, real, …), columns those returned.
    """
    if inverse and onesided:
        return _matrix_to_real(size, length)
    frequencies = length // 2 + 1 if onesided else length
    given = np.arange(min(size, length))
    turns = np.outer(given, np.arange(frequencies)) % length
    angles = (2 if inverse else -2) * np.pi * turns / length
    waves = np.exp(1j * angles) / (length if inverse else 1)
    result = np.zeros((size, parts, frequencies, 2))
    result[: len(given), 0, :, 0], result[: len(given), 0, :, 1] = waves.real, waves.imag
    if parts > 1:
        result[: len(given), 1, :, 0], result[: len(given), 1, :, 1] = -waves.imag, waves.real
    return result.reshape(size * parts, frequencies * 2)


def _matrix_to_real(size: int, length: int) -> Floats:
    """Return the matrix that makes real numbers of the first half of a spectrum."""
    half = np.eye(min(size, length // 2 + 1), length // 2 + 1)
    result = np.zeros((size, 2, length))
    result[: len(half), 0] = np.fft.irfft(half, length)
    result[: len(half), 1] = np.fft.irfft(1j * half, length)
    return result.reshape(size * 2, length)


def _transform(site: Site) -> bool:
    node, shape, result = site.node, shape_of(site[0]), shape_of(site.node.outputs[0])
    lengths, axes = integers(site[1]), integers(site[2])
    if shape is None or result is None or (site[1] is not None and lengths is None):
        return False
    if site[2] is not None and axes is None:
        return False
    rank = len(shape)
    axis = axis_of(axes[0] if axes else -2, rank)
    inverse = bool(attribute(node, "inverse", 0))
    onesided = bool(attribute(node, "onesided", 0))
    usual = 2 * (shape[axis] - 1) if inverse and onesided else shape[axis]
    length = lengths[0] if lengths else usual
    if shape[axis] * shape[-1] * length * 2 > LARGEST:
        return False
    factor = matrix(shape[axis], length, shape[-1], inverse=inverse, onesided=onesided)
    perm = [*range(rank)]
    perm[axis], perm[-2] = perm[-2], perm[axis]
    value, dtype = site[0], node.outputs[0].dtype
    if perm != [*range(rank)]:
        value = site.add("Transpose", [value], perm=perm, dtype=dtype)
    sizes = [result[i] for i in perm]
    value = _multiply(site, value, factor, sizes)
    if perm != [*range(rank)]:
        value = site.add("Transpose", [value], perm=perm, dtype=dtype)
    site.replace(value)
    return True


def _multiply(site: Site, value: ir.Value | None, factor: Floats, sizes: "list[int]") -> ir.Value:
    """Insert a product along the last two axes, which are one for it."""
    dtype = site.node.outputs[0].dtype or ir.DataType.FLOAT
    front = sizes[:-2]
    flat = site.add("Reshape", [value, site.ints([*front, factor.shape[0]], "flat")], dtype=dtype)
    waves = site.constant(factor, "waves", dtype)
    add_history(waves, f"matrix of a {site.node.op_type}")
    product = site.add("MatMul", [flat, waves], dtype=dtype)
    return site.add("Reshape", [product, site.ints(sizes, "spectrum")], dtype=dtype)


def _transform_frames(site: Site) -> bool:
    node, shape = site.node, shape_of(site[0])
    steps, lengths = integers(site[1]), integers(site[3])
    window = constant(site[2])
    if shape is None or steps is None or (site[2] is not None and window is None):
        return False
    parts = shape[2] if len(shape) == 3 else 1
    length = lengths[0] if lengths else (len(window) if window is not None else 0)
    onesided = bool(attribute(node, "onesided", 1))
    if not length or length * parts * length * 2 > LARGEST:
        return False
    factor = matrix(length, length, parts, inverse=False, onesided=onesided)
    if window is not None:
        weights = np.zeros(length)
        weights[: len(window)] = window[:length]
        factor = factor * np.repeat(weights, parts)[:, None]
    frames = (shape[1] - length) // steps[0] + 1
    site.afford(frames, length)
    taken = np.arange(frames)[:, None] * steps[0] + np.arange(length)
    indices = site.constant(taken, "frames", ir.DataType.INT64)
    add_history(indices, "where the frames of an STFT lie")
    framed = site.add("Gather", [site[0], indices], dtype=node.outputs[0].dtype, axis=1)
    sizes = [shape[0], frames, factor.shape[1] // 2, 2]
    node.outputs[0].shape = ir.Shape(sizes)  # onnx 1.23 infers it as if onesided were 0
    site.replace(_multiply(site, framed, factor, sizes))
    return True
