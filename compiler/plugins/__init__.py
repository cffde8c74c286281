"""What a plugin is made of: the public names, stable as docs/plugins.md says.

Our own passes and emitters are made of the same.
"""

from ...emitters.base import Emission, EmitOptions, Emitter, Place, Weight
from ...emitters.mindspore.code import (
    ATOM,
    COMPARISON,
    POWER,
    PRODUCT,
    SUM,
    UNARY,
    Code,
    Expression,
    Layer,
    WeightSource,
    call,
)
from ...emitters.mindspore.function_source import Helper
from ...emitters.mindspore.registry import CannotEmit, Op, OperatorEmitter, emits, emits_call
from ...passes.base import Pass, graph_pass
from ...passes.graphsurgeon_pass import graphsurgeon_pass
from ...passes.matching import Match, find, replace, same_shape
from ...passes.pattern import halved, number, op, product, scalar, symbol
from ...passes.rewrite import Site, sites
from ...passes.text_pass import read_pass, text_pass
from ..ir.errors import PluginError, Problem, UnsupportedError
from ..ir.meanings import Meaning
from .load import AnyPlugin
from .plugin import Plugin, Target, define, reference

__all__ = [
    "ATOM",
    "COMPARISON",
    "POWER",
    "PRODUCT",
    "SUM",
    "UNARY",
    "AnyPlugin",
    "CannotEmit",
    "Code",
    "Emission",
    "EmitOptions",
    "Emitter",
    "Expression",
    "Helper",
    "Layer",
    "Match",
    "Meaning",
    "Op",
    "OperatorEmitter",
    "Pass",
    "Place",
    "Plugin",
    "PluginError",
    "Problem",
    "Site",
    "Target",
    "UnsupportedError",
    "Weight",
    "WeightSource",
    "call",
    "define",
    "emits",
    "emits_call",
    "find",
    "graph_pass",
    "graphsurgeon_pass",
    "halved",
    "number",
    "op",
    "product",
    "read_pass",
    "reference",
    "replace",
    "same_shape",
    "scalar",
    "sites",
    "symbol",
    "text_pass",
]
