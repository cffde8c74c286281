"""Whether a pass left the model valid and what it computes as it was."""

from collections.abc import Mapping

import numpy as np
import onnx_ir as ir

from ..compiler.ir.errors import PassError, quoted
from ..compiler.ir.graph import Array, elements
from ..compiler.ir.meanings import Meanings
from .check_form import annotated, bare, check_form, has_branches
from .pipeline import PassRecord
from .runtime import CannotLoadError, NoKernelError, run_model
from .skeleton import Skeleton

Outputs = Mapping[str, Array]

LAST_BITS, NOISE_FACTOR = 4, 2.0
"""How often inputs are changed in their last bit, and how many times the largest movement of an
output an error may reach: of a few movements the largest is seldom the largest there is."""


class PassChecker:
    """Runs the model before and after every pass; to be called as `on_pass` of `run_pipeline`.

    Attributes:
        unchecked: Names of passes of which only the form was checked, because onnxruntime could not
            run the model before, or cannot yet.
    """

    def __init__(
        self,
        model: ir.Model,
        inputs: Mapping[str, Array],
        *,
        tolerance: float = 1e-5,
        meanings: Meanings | None = None,
    ) -> None:
        """Run the model as it is.

        Args:
            model: The model before the first pass.
            inputs: An array for every input of the graph, by name.
            tolerance: Largest error of an output, max|a - b| / max|b|, unless changes of the
                inputs in their last bit move it further.
            meanings: What operators compute that onnxruntime does not know.
        """
        self.unchecked: list[str] = []
        self._inputs = inputs
        self._tolerance = tolerance
        self._meanings = meanings or {}
        try:
            self._before = bare(model, annotate=False)
            self._expected: Outputs | None = self._run(self._before, inputs)
        except CannotLoadError:  # of an operator set that it does not know any more, or not yet
            self._expected = None

    def __call__(self, record: PassRecord, model: ir.Model) -> None:
        """Check the model after a pass.

        Raises:
            PassError: onnx.checker or onnxruntime refuse the model, or it computes something else.
        """
        if not record.changes:
            return
        whole = annotated(model)
        branches = has_branches(model)
        check_form(whole.proto, record.title, shapes=not branches)
        try:
            outputs = self._run(whole, self._inputs)
        except CannotLoadError as error:
            # with shapes known, a branch that is never taken may be one that fits none of them,
            # and is refused until inline_if has removed it
            if self._expected is not None and not branches and not isinstance(error, NoKernelError):
                raise PassError(
                    f"after {record.title} onnxruntime refuses the model: {error}"
                ) from error
            self.unchecked.append(record.name)
            return
        if self._expected is None:
            self.unchecked.append(record.name)
        else:
            self._compare(record, outputs, self._expected)
        self._expected, self._before = outputs, whole

    def _compare(self, record: PassRecord, outputs: Outputs, expected: Outputs) -> None:
        for name, want in expected.items():
            error = relative_error(outputs[name], want)
            if error <= self._tolerance or (
                np.isfinite(error) and error <= NOISE_FACTOR * self._noise(name, want)
            ):
                continue
            raise PassError(
                f"{record.title} changed what the model computes: output {quoted(name)} "
                f"differs by {error:.1e} (tolerance {self._tolerance:.0e})",
                help="run again with --dump DIR, and report the graph before this pass",
            )

    def _noise(self, name: str, want: Array) -> float:
        """Return how far an output of the model before moves by the last bits of the inputs."""
        rng = np.random.default_rng(0)
        moved = [
            self._run(self._before, {key: _nudged(x, rng) for key, x in self._inputs.items()})
            for _ in range(LAST_BITS)
        ]
        errors = [relative_error(outputs[name], want) for outputs in moved]
        return max((error for error in errors if np.isfinite(error)), default=0.0)

    def _run(self, model: Skeleton, inputs: Outputs) -> Outputs:
        """Run a model whose weights, which are fed, may be larger than memory or 2 GB."""
        weights = {name: elements(tensor) for name, tensor in model.weights.items()}
        names = [output.name for output in model.proto.graph.output]
        return run_model(model.proto, {**inputs, **weights}, names, self._meanings)


def relative_error(result: Array, expected: Array) -> float:
    """Return max|a - b| / max|b|; infinity if shapes, types, NaNs or infinities differ."""
    if result.shape != expected.shape or result.dtype != expected.dtype:
        return float("inf")
    if expected.dtype.kind in "biuO":
        return 0.0 if np.array_equal(result, expected) else float("inf")
    a, b = result.astype(np.float64), expected.astype(np.float64)
    finite = np.isfinite(b)
    if not np.array_equal(np.isfinite(a), finite):
        return float("inf")
    if not np.array_equal(a[~finite], b[~finite], equal_nan=True):
        return float("inf")
    difference = float(np.abs(a[finite] - b[finite]).max(initial=0))
    scale = float(np.abs(b[finite]).max(initial=0))
    if difference == 0:
        return 0.0
    return difference / scale if scale else float("inf")


def _nudged(array: Array, rng: np.random.Generator) -> Array:
    """Return an array with each real number the next one above or below."""
    if array.dtype.name not in ("float32", "float64"):
        return array
    towards: Array = rng.choice((-np.inf, np.inf), array.shape).astype(array.dtype)
    moved: Array = np.nextafter(array, towards)
    return moved
