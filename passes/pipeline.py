"""The order of the passes: one list, with the reasons beside it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import onnx_ir as ir

from ..compiler.ir.dialect import IR_VERSION
from ..compiler.ir.errors import Onnx2msError, PassError
from .base import Pass
from .fuse.fuse_flatten import fuse_flatten
from .lower.explicit_window import explicit_window
from .lower.lower_batch_norm import lower_batch_norm
from .lower.lower_computed_pad import lower_computed_pad
from .lower.lower_computed_resize import lower_computed_resize
from .lower.lower_conv_pads import lower_conv_pads
from .lower.lower_conv_transpose import lower_conv_transpose
from .lower.lower_double_conv import lower_double_conv
from .lower.lower_dropout import lower_dropout
from .lower.lower_einsum import lower_einsum
from .lower.lower_empty_reduction import lower_empty_reduction
from .lower.lower_gather_nd import lower_gather_nd
from .lower.lower_indices import lower_indices
from .lower.lower_layer_norm import lower_layer_norm
from .lower.lower_losses import lower_losses
from .lower.lower_lp_normalization import lower_lp_normalization
from .lower.lower_lp_pool import lower_lp_pool
from .lower.lower_lrn import lower_lrn
from .lower.lower_negative_indices import lower_negative_indices
from .lower.lower_output_padding import lower_output_padding
from .lower.lower_pad_mode import lower_pad_mode
from .lower.lower_pool_pads import lower_pool_pads
from .lower.lower_resize import lower_resize
from .lower.lower_scatter_elements import lower_scatter_elements
from .lower.lower_softmax import lower_softmax
from .lower.lower_tensor_scatter import lower_tensor_scatter
from .lower.lower_tfidf import lower_tfidf
from .lower.lower_types import lower_types
from .lower.lower_unique import lower_unique
from .lower.lower_variadic import lower_variadic
from .modernize.drop_identity import drop_identity
from .modernize.inline_functions import inline_functions
from .modernize.lift_constants import lift_constants
from .modernize.modernize_operators import modernize_operators
from .modernize.unshare_weights import unshare_weights
from .shapes.drop_dead import drop_dead
from .shapes.drop_noop import drop_noop
from .shapes.drop_zero_bias import drop_zero_bias
from .shapes.fold_constants import fold_constants
from .shapes.infer_shapes import infer_shapes
from .shapes.inline_if import inline_if
from .shapes.resolve_cast_like import resolve_cast_like
from .skeleton import nested

ROUNDS = 20
"""Most rounds of a stage that repeats; each must have changed something."""


@dataclass(frozen=True)
class Stage:
    """Passes that belong together.

    Attributes:
        name: One word; `--dump` writes a graph after each stage.
        passes: In their order.
        repeat: Whether they run until none of them changes anything.
    """

    name: str
    passes: Sequence[Pass]
    repeat: bool = False


STAGES: tuple[Stage, ...] = (
    Stage(
        "modernize",
        (
            modernize_operators,  # first: nothing after it knows of operator sets
            inline_functions,  # behind it: what ONNX defines is in a form of its own
            lift_constants,  # constants then stand in one place, among the initializers
            unshare_weights,  # before Identity goes: equal weights are not one weight
            drop_identity,  # then nothing asks what an Identity meant
        ),
    ),
    Stage(
        "shapes",
        (
            infer_shapes,  # first: all others ask for shapes and types
            resolve_cast_like,  # before folding: then a constant does not wait for a value
            fold_constants,  # gives shapes to Reshape and its like: inference goes on from there
            inline_if,  # after folding, which computes conditions
            drop_identity,  # of the branch that was inlined
            drop_noop,  # after inference: what keeps its shape does nothing
            drop_zero_bias,  # after folding: made-up zeros are constants by now
            drop_dead,  # last: what the others have left behind
        ),
        repeat=True,
    ),
    Stage(
        "fuse",
        (fuse_flatten,),  # before emission, which would write the batch as a number
    ),
    Stage(
        "lower",
        (
            lower_types,  # before what others make of the operators
            lower_empty_reduction,
            lower_unique,
            lower_tfidf,
            lower_softmax,
            lower_tensor_scatter,  # makes ScatterElements
            lower_gather_nd,
            lower_einsum,
            lower_losses,
            lower_dropout,
            lower_scatter_elements,
            lower_layer_norm,
            lower_batch_norm,
            lower_lrn,  # makes an AveragePool
            lower_lp_normalization,
            explicit_window,  # first: the others reckon with pads
            lower_conv_transpose,
            lower_double_conv,
            lower_conv_pads,
            lower_lp_pool,  # makes an AveragePool: before its pads are seen to
            lower_pool_pads,
            lower_output_padding,
            lower_pad_mode,
            lower_computed_pad,
            lower_resize,
            lower_computed_resize,
            lower_negative_indices,
            lower_indices,
            lower_variadic,
            drop_dead,  # pads and shapes that nobody reads any more
            infer_shapes,  # of what was written anew
        ),
    ),
)


@dataclass(frozen=True)
class PassRecord:
    """One run of a pass over a model.

    Attributes:
        stage: Name of its stage.
        name: Name of the pass.
        changes: Number of changes in the main graph and all subgraphs.
        seconds: Time it took.
    """

    stage: str
    name: str
    changes: int
    seconds: float


OnPass = Callable[[PassRecord, ir.Model], None]
OnStage = Callable[[str, ir.Model], None]


def check_order(stages: Sequence[Stage]) -> None:
    """Check that every pass stands behind those it names.

    Raises:
        ValueError: A stage has a name, or holds a pass, twice; a pass names one that is not there,
            or that stands behind it.
    """
    names = [stage.name for stage in stages]
    everything = {item.name for stage in stages for item in stage.passes}
    seen: set[str] = set()
    for stage in stages:
        if names.count(stage.name) > 1:
            raise ValueError(f"there are two stages {stage.name}")
        here = [item.name for item in stage.passes]
        for item in stage.passes:
            if here.count(item.name) > 1:
                raise ValueError(f"stage {stage.name} holds pass {item.name} twice")
            for anchor in item.after:
                if anchor not in everything:
                    raise ValueError(f"pass {item.name} is to run after {anchor}: no such pass")
                if anchor not in seen:
                    raise ValueError(f"pass {item.name} must run after {anchor}, not before")
            seen.add(item.name)


check_order(STAGES)


def run_pipeline(
    model: ir.Model,
    *,
    on_stage: OnStage | None = None,
    on_pass: OnPass | None = None,
    stages: Sequence[Stage] = STAGES,
) -> list[PassRecord]:
    """Run all passes over a model, in place.

    Args:
        model: Any model, its functions inlined; after the first stage it is one of the dialect.
        on_stage: Called after each stage with its name and the model.
        on_pass: Called after each run of a pass with its record and the model, which is a valid
            one then.
        stages: Other passes, or another order.

    Returns:
        One record for each run of a pass, in order.

    Raises:
        PassError: A pass failed; it and those before it are named.
        ModelError: A pass found the model invalid.
    """
    records: list[PassRecord] = []
    model.ir_version = IR_VERSION
    for stage in stages:
        _run_stage(model, stage, records, on_pass)
        if on_stage is not None:
            on_stage(stage.name, model)
    return records


def _run_stage(
    model: ir.Model, stage: Stage, records: list[PassRecord], on_pass: OnPass | None
) -> None:
    """Run a stage's passes once, or in turn until none but the last to do so changes anything."""
    count = len(stage.passes)
    idle = 0
    for turn in range(count * (ROUNDS if stage.repeat else 1)):
        record = _run_pass(model, stage.name, stage.passes[turn % count], records)
        records.append(record)
        if on_pass is not None:
            on_pass(record, model)
        idle = 0 if record.changes else idle + 1
        if stage.repeat and turn >= count - 1 and idle >= count - 1:
            return


def _run_pass(model: ir.Model, stage: str, item: Pass, before: Sequence[PassRecord]) -> PassRecord:
    """Run a pass over the main graph and every subgraph."""
    started = time.perf_counter()
    changes = 0
    try:
        for graph in nested(model.graph):
            changes += item(graph)
    except Onnx2msError:
        raise
    except Exception as error:
        notes = "; ".join(getattr(error, "__notes__", ()))
        names = ", ".join(dict.fromkeys(record.name for record in before)) or "none"
        raise PassError(
            f"pass {item.name} failed{f' at {notes}' if notes else ''}: "
            f"{type(error).__name__}: {error}\npasses before it: {names}",
            help="run again with --check-passes and --dump DIR, and report the graph before it",
        ) from error
    return PassRecord(stage, item.name, changes, time.perf_counter() - started)
