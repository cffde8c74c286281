"""Counts of n-grams."""

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from ...compiler.ir.graph import attribute, rank_of, shape_of
from ..base import graph_pass
from ..rewrite import Site, sites

FLOAT, BOOL, INT64 = ir.DataType.FLOAT, ir.DataType.BOOL, ir.DataType.INT64
Integers = npt.NDArray[np.int64]


@graph_pass(after=("infer_shapes",))
def lower_tfidf(graph: ir.Graph) -> int:
    """Write TfIdfVectorizer of integers as comparisons of all windows with all n-grams, summed."""
    lowered = 0
    for site in sites(graph, "TfIdfVectorizer"):
        rank, grams = rank_of(site[0]), _grams(site.node)
        if rank is not None and grams is not None:
            lowered += _lower(site, rank, shape_of(site[0]), grams)
    return lowered


def _grams(node: ir.Node) -> dict[int, tuple[Integers, int]] | None:
    """Return by n the n-grams, a row each, and the number of the first; None if they are words."""
    pool: tuple[int, ...] | None = attribute(node, "pool_int64s", None)
    starts: tuple[int, ...] = attribute(node, "ngram_counts", ())
    if pool is None:
        return None
    grams: dict[int, tuple[Integers, int]] = {}
    number = 0
    for n, (start, end) in enumerate(zip(starts, (*starts[1:], len(pool)), strict=True), 1):
        rows = np.array(pool[start:end], np.int64).reshape(-1, n)
        if rows.size:
            grams[n] = rows, number
        number += len(rows)
    return grams


def _windows(length: int, n: int, skip: int) -> Integers:
    """Return the places of the words of each window, `skip` words between them."""
    step = skip + 1
    count = max(length - (n - 1) * step, 0)
    places: Integers = np.arange(count)[:, None] + np.arange(n)[None, :] * step
    return places


def _lower(
    site: Site,
    rank: int,
    shape: tuple[int, ...] | None,
    grams: dict[int, tuple[Integers, int]],
) -> bool:
    node = site.node
    columns: tuple[int, ...] = attribute(node, "ngram_indexes", ())
    width, mode = max(columns) + 1, attribute(node, "mode", "TF")
    weights: tuple[float, ...] = attribute(node, "weights", (1.0,) * len(columns))
    total: ir.Value | None = None
    for n, (rows, number) in grams.items():
        if not attribute(node, "min_gram_length", 1) <= n <= attribute(node, "max_gram_length", 1):
            continue
        skips = range(attribute(node, "max_skip_count", 0) + 1) if n > 1 else range(1)
        site.afford(len(rows), width)
        site.afford(n, len(skips), shape[-1] if shape else 1)
        places = _places(site, shape, n, skips)
        if places is None:
            continue
        counts = _counts(site, places, rows, rank)
        numbers = range(number, number + len(rows))
        if mode == "IDF":
            counts = site.add("Min", [counts, site.constant(1, "one", FLOAT)], dtype=FLOAT)
        place = np.zeros((len(rows), width))
        for row, i in enumerate(numbers):
            place[row, columns[i]] = 1.0 if mode == "TF" else weights[i]
        part = site.add("MatMul", [counts, site.constant(place, "place", FLOAT)], dtype=FLOAT)
        total = part if total is None else site.add("Add", [total, part], dtype=FLOAT)
    if total is None and shape is None:
        return False
    if total is None:
        zeros = site.constant(np.zeros((*(shape or ())[:-1], width)), "nothing", FLOAT)
        total = site.add("Identity", [zeros], dtype=FLOAT)
    site.replace(total)
    return True


def _places(site: Site, shape: tuple[int, ...] | None, n: int, skips: range) -> ir.Value | None:
    """Return the places of the words of all windows; None if there is no window."""
    if shape is not None:
        windows = np.concatenate([_windows(shape[-1], n, skip) for skip in skips])
        return site.constant(windows, "windows", INT64) if windows.size else None
    length = site.size(site[0], -1)
    zero, one = (site.constant(number, "number", INT64) for number in (0, 1))
    parts: list[ir.Value] = []
    for skip in skips:
        steps = np.arange(n) * (skip + 1)
        after = site.constant(steps[-1], "after", INT64)
        count = site.add("Sub", [length, after], dtype=INT64)
        count = site.add("Max", [count, zero], dtype=INT64)
        starts = site.add("Range", [zero, count, one], dtype=INT64)
        column = site.add("Unsqueeze", [starts, site.ints([1], "column")], dtype=INT64)
        words = site.constant(steps, "steps", INT64)
        parts.append(site.add("Add", [column, words], dtype=INT64))
    return parts[0] if len(parts) == 1 else site.add("Concat", parts, axis=0, dtype=INT64)


def _counts(site: Site, places: ir.Value, rows: Integers, rank: int) -> ir.Value:
    """Return how often each n-gram stands in the windows, (…, n-gram)."""
    words = site.add("Cast", [site[0]], to=int(INT64), dtype=INT64)
    taken = site.add("Gather", [words, places], axis=rank - 1, dtype=INT64)
    apart = site.add("Unsqueeze", [taken, site.ints([rank], "apart")], dtype=INT64)
    same = site.add("Equal", [apart, site.constant(rows, "grams", INT64)], dtype=BOOL)
    whole = site.add("ReduceMin", [same, site.ints([-1], "words")], keepdims=0, dtype=BOOL)
    found = site.add("Cast", [whole], to=int(FLOAT), dtype=FLOAT)
    return site.add("ReduceSum", [found, site.ints([-2], "windows")], keepdims=0, dtype=FLOAT)
