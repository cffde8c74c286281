"""The order of the passes: one list, with the reasons beside it."""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

import onnx_ir as ir

from ..compiler.ir.dialect import IR_VERSION
from ..compiler.ir.errors import REPORT, Onnx2msError, PassCrashError, PassError
from .base import Pass
from .check_form import annotated, check_form, has_branches
from .contrib.modernize_contrib import modernize_contrib
from .fuse.fold_batch_norm import fold_batch_norm
from .fuse.fuse_attention import fuse_attention
from .fuse.fuse_causal_mask import fuse_causal_mask
from .fuse.fuse_fake_quantize import fuse_fake_quantize
from .fuse.fuse_flatten import fuse_flatten
from .fuse.fuse_gelu import fuse_gelu
from .fuse.fuse_glu import fuse_glu
from .fuse.fuse_group_norm import fuse_group_norm
from .fuse.fuse_hard_sigmoid import fuse_hard_sigmoid
from .fuse.fuse_hard_swish import fuse_hard_swish
from .fuse.fuse_layer_norm import fuse_layer_norm
from .fuse.fuse_linear import fuse_linear
from .fuse.fuse_mish import fuse_mish
from .fuse.fuse_patches import fuse_patches
from .fuse.fuse_pixel_shuffle import fuse_pixel_shuffle
from .fuse.fuse_recurrent import fuse_recurrent
from .fuse.fuse_repeat import fuse_repeat
from .fuse.fuse_rms_norm import fuse_rms_norm
from .fuse.fuse_roll import fuse_roll
from .fuse.fuse_rotate_half import fuse_rotate_half
from .fuse.fuse_slice_scatter import fuse_slice_scatter
from .fuse.fuse_softplus import fuse_softplus
from .fuse.fuse_swish import fuse_swish
from .fuse.fuse_variance import fuse_variance
from .fuse.fuse_window_mask import fuse_window_mask
from .fuse.put_batch_first import put_batch_first
from .fuse.rejoin_parameters import rejoin_parameters
from .fuse.stack_recurrent import stack_recurrent
from .fuse.unflatten_linear import unflatten_linear
from .lower.explicit_window import explicit_window
from .lower.lower_attention import lower_attention
from .lower.lower_batch_norm import lower_batch_norm
from .lower.lower_col2im import lower_col2im
from .lower.lower_computed_pad import lower_computed_pad
from .lower.lower_conv_pads import lower_conv_pads
from .lower.lower_conv_transpose import lower_conv_transpose
from .lower.lower_double_conv import lower_double_conv
from .lower.lower_dropout import lower_dropout
from .lower.lower_einsum import lower_einsum
from .lower.lower_empty_reduction import lower_empty_reduction
from .lower.lower_fourier import lower_fourier
from .lower.lower_gather_nd import lower_gather_nd
from .lower.lower_indices import lower_indices
from .lower.lower_integer_conv import lower_integer_conv
from .lower.lower_layer_norm import lower_layer_norm
from .lower.lower_log import lower_log
from .lower.lower_losses import lower_losses
from .lower.lower_lp_normalization import lower_lp_normalization
from .lower.lower_lp_pool import lower_lp_pool
from .lower.lower_lrn import lower_lrn
from .lower.lower_max_unpool import lower_max_unpool
from .lower.lower_negative_indices import lower_negative_indices
from .lower.lower_output_padding import lower_output_padding
from .lower.lower_pad_mode import lower_pad_mode
from .lower.lower_pool_pads import lower_pool_pads
from .lower.lower_qlinear import lower_qlinear
from .lower.lower_resize import lower_resize
from .lower.lower_rotary_embedding import lower_rotary_embedding
from .lower.lower_same_pads import lower_same_pads
from .lower.lower_scatter_elements import lower_scatter_elements
from .lower.lower_softmax import lower_softmax
from .lower.lower_stacks import lower_stacks
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
from .shapes.count_positions import count_positions
from .shapes.drop_dead import drop_dead
from .shapes.drop_empty import drop_empty
from .shapes.drop_expand import drop_expand
from .shapes.drop_noop import drop_noop
from .shapes.drop_true import drop_true
from .shapes.drop_zero_bias import drop_zero_bias
from .shapes.fold_constants import fold_constants
from .shapes.fold_sequences import fold_sequences
from .shapes.fold_sizes import fold_sizes
from .shapes.infer_shapes import infer_shapes
from .shapes.inline_if import inline_if
from .shapes.join_reshapes import join_reshapes
from .shapes.join_slices import join_slices
from .shapes.join_transposes import join_transposes
from .shapes.loop_scan import loop_scan
from .shapes.pick_before_transpose import pick_before_transpose
from .shapes.pick_slice import pick_slice
from .shapes.reshape_gather import reshape_gather
from .shapes.resolve_cast_like import resolve_cast_like
from .shapes.select_branch import select_branch
from .shapes.sink_expand import sink_expand
from .shapes.slice_gather_nd import slice_gather_nd
from .shapes.split_before_transpose import split_before_transpose
from .shapes.squeeze_branch import squeeze_branch
from .shapes.turn_recurrent import turn_recurrent
from .shapes.type_bodies import type_bodies
from .shapes.unroll_loop import unroll_loop
from .shapes.unsqueeze_reshape import unsqueeze_reshape

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
            type_bodies,  # the next round infers their insides
            modernize_contrib,  # here, as many of its rules ask for ranks
            resolve_cast_like,  # before folding: then a constant does not wait for a value
            fold_constants,  # gives shapes to Reshape and its like: inference goes on from there
            fold_sizes,  # after constants, which it takes for known
            loop_scan,  # after inference: the place of an axis is told by the rank
            unroll_loop,  # after folding, which computes how often
            fold_sequences,  # after it: lists that loops fill
            inline_if,  # after folding, which computes conditions
            squeeze_branch,  # behind it: what is left depends on sizes or data
            select_branch,  # after it: conditions that are not known by now
            drop_identity,  # of the branch that was inlined
            pick_slice,  # before Squeeze and Reshape become one
            reshape_gather,
            slice_gather_nd,
            count_positions,
            drop_true,  # leaves an Expand
            sink_expand,  # towards what broadcasts anyway
            join_transposes,
            pick_before_transpose,  # of what was picked by slices
            split_before_transpose,
            join_reshapes,
            unsqueeze_reshape,
            join_slices,
            drop_empty,  # before what has one input only goes
            drop_noop,  # after inference: what keeps its shape does nothing
            drop_expand,  # after inference: what is broadcast anyway
            drop_zero_bias,  # after folding: made-up zeros are constants by now
            turn_recurrent,  # in this stage: weights of one direction are folded, shapes inferred
            drop_dead,  # last: what the others have left behind
        ),
        repeat=True,
    ),
    Stage(
        "fuse",
        (
            fold_batch_norm,
            fuse_flatten,  # before emission, which would write the batch as a number
            fuse_fake_quantize,
            fuse_recurrent,
            stack_recurrent,  # before the batch moves: between layers it never comes first
            put_batch_first,
            fuse_linear,
            unflatten_linear,  # behind both: of a Flatten too
            fuse_layer_norm,
            fuse_rms_norm,
            fuse_group_norm,
            fuse_variance,  # of what is no normalization
            fuse_pixel_shuffle,
            fuse_roll,
            fuse_patches,
            fuse_rotate_half,
            fuse_causal_mask,
            fuse_slice_scatter,
            fuse_window_mask,  # of what is attention behind it
            fuse_attention,
            fuse_repeat,  # of the heads that its queries share
            fuse_gelu,
            fuse_glu,
            fuse_softplus,
            fuse_mish,  # of a Softplus
            fuse_swish,
            fuse_hard_sigmoid,
            fuse_hard_swish,  # of a HardSigmoid
            fold_constants,  # parameters that have been given another shape
            rejoin_parameters,  # behind it: where others read them in their own
            drop_dead,  # shapes that nobody reads any more
        ),
    ),
    Stage(
        "lower",
        (
            lower_types,  # before what others make of the operators
            lower_empty_reduction,
            lower_unique,
            lower_tfidf,
            lower_attention,
            lower_rotary_embedding,
            lower_col2im,
            lower_fourier,
            lower_max_unpool,
            lower_qlinear,  # makes integer convolutions
            lower_integer_conv,  # makes convolutions
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
            explicit_window,  # before the others, which reckon with pads
            lower_same_pads,
            lower_conv_transpose,
            lower_double_conv,
            lower_conv_pads,
            lower_lp_pool,  # makes an AveragePool: before its pads are seen to
            lower_pool_pads,
            lower_output_padding,
            lower_pad_mode,
            lower_computed_pad,
            lower_resize,
            lower_log,
            lower_negative_indices,
            lower_indices,
            lower_variadic,
            lower_stacks,
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
        title: What messages call the pass.
    """

    stage: str
    name: str
    changes: int
    seconds: float
    title: str


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
                    raise ValueError(f"{item.title} is to run after {anchor}: no such pass")
                if anchor not in seen:
                    raise ValueError(f"{item.title} must run after {anchor}, not before")
            seen.add(item.name)


check_order(STAGES)


def run_pipeline(
    model: ir.Model,
    *,
    on_stage: OnStage | None = None,
    on_pass: OnPass | None = None,
    stages: Sequence[Stage] = STAGES,
    asked: Collection[str] = (),
) -> list[PassRecord]:
    """Run all passes over a model, in place.

    Args:
        model: Any model, its functions inlined; after the first stage it is one of the dialect.
        on_stage: Called after each stage with its name and the model.
        on_pass: Called after each run of a pass with its record and the model, which is a valid
            one then.
        stages: Other passes, or another order.
        asked: Names of passes to run of those that run on request only.

    Returns:
        One record for each run of a pass, in order.

    Raises:
        PassError: A pass failed; it and those before it are named.
        ModelError: A pass found the model invalid.
    """
    records: list[PassRecord] = []
    model.ir_version = IR_VERSION
    for stage in stages:
        passes = [item for item in stage.passes if not item.on_request or item.name in asked]
        _run_stage(model, replace(stage, passes=passes), records, on_pass)
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
    try:
        changes = item.run_on(model)
    except (Onnx2msError, MemoryError):
        raise
    except Exception as error:
        notes = "; ".join(getattr(error, "__notes__", ()))
        names = ", ".join(dict.fromkeys(record.name for record in before)) or "none"
        ours = "run again with --check-passes and --dump DIR, and report the graph before it"
        kind = PassError if item.origin else PassCrashError
        raise kind(
            f"{item.title} failed{f' at {notes}' if notes else ''}: "
            f"{type(error).__name__}: {error}\npasses before it: {names}",
            help=REPORT if item.origin else ours,
        ) from error
    if item.origin and changes:
        form = annotated(model).proto
        check_form(form, item.title, shapes=not has_branches(model), help=REPORT)
    return PassRecord(stage, item.name, changes, time.perf_counter() - started, item.title)
