"""Attention and rotary embeddings."""

import onnx_ir as ir

from ...compiler.ir.graph import attribute, integers, is_constant, shape_of
from ..rewrite import AttributeValue, Site
from .rules import contrib, dtype_of, is_read, like, total

MASK_RANK = 2


@contrib("MultiHeadAttention")
def multi_head_attention(site: Site) -> bool:
    """Attention of rank 3; a bias of queries, keys and values is added before."""
    query, key, value = shape_of(site[0]), shape_of(site[1]), shape_of(site[2])
    if any(shape is None or len(shape) != 3 for shape in (query, key, value)):
        return False
    if any(site[i] is not None for i in range(8, 10)) or is_read(site, 3):
        return False
    operands = [site[0], site[1], site[2]]
    if site[3] is not None:
        sizes = [shape[2] for shape in (query, key, value) if shape is not None]
        operands = _biased(site, operands, sizes)
    heads = attribute(site.node, "num_heads", 1)
    mask = _masks(site, site[4], site[5])
    return _attend(site, operands, heads, mask, (site[6], site[7]))


@contrib("Attention")
def packed_attention(site: Site) -> bool:
    """Attention whose queries, keys and values are one product of the input."""
    shape, weights = shape_of(site[0]), shape_of(site[1])
    if shape is None or weights is None or any(site[i] is not None for i in (4, 6)):
        return False
    if is_read(site, 1) or attribute(site.node, "do_rotary", 0):
        return False
    third = weights[1] // 3
    sizes = list(attribute(site.node, "qkv_hidden_sizes", (third,) * 3))
    dtype = dtype_of(site[0])
    product = site.add("MatMul", [site[0], site[1]], dtype=dtype)
    packed = total(site, product, site[2]) or product
    ends = [sum(sizes[: i + 1]) for i in range(3)]
    operands: list[ir.Value | None] = [
        _cut(site, packed, end - size, end) for size, end in zip(sizes, ends, strict=True)
    ]
    mask_shape = shape_of(site[3])
    if site[3] is not None and (mask_shape is None or len(mask_shape) != MASK_RANK):
        return False
    heads = attribute(site.node, "num_heads", 1)
    return _attend(site, operands, heads, _masks(site, site[3], site[5]), (None, None))


def _cut(site: Site, value: ir.Value | None, start: int, end: int) -> ir.Value:
    bounds = [site.ints([n], role) for n, role in ((start, "start"), (end, "end"), (-1, "axes"))]
    return site.add("Slice", [value, *bounds], dtype=dtype_of(value))


def _biased(site: Site, operands: list[ir.Value | None], sizes: list[int]) -> list[ir.Value | None]:
    ends = [sum(sizes[: i + 1]) for i in range(3)]
    return [
        total(site, operand, _cut(site, site[3], end - size, end))
        for operand, size, end in zip(operands, sizes, ends, strict=True)
    ]


def _masks(site: Site, shown: ir.Value | None, bias: ir.Value | None) -> ir.Value | None:
    """Return what is added to the scores: a bias, and a large negative number for hidden keys."""
    if shown is None:
        return bias
    low = float(attribute(site.node, "mask_filter_value", -10000.0))
    dtype = dtype_of(site[0])
    axes = site.ints([1, 2], "axes")
    wide = site.add("Unsqueeze", [shown, axes], dtype=dtype_of(shown))
    kept = site.add("Cast", [wide], to=int(ir.DataType.BOOL), dtype=ir.DataType.BOOL)
    zero, hidden = like(site, 0, "zero"), like(site, low, "hidden")
    mask = site.add("Where", [kept, zero, hidden], dtype=dtype)
    return mask if bias is None else total(site, mask, bias)


def _attend(
    site: Site,
    operands: list[ir.Value | None],
    heads: int,
    mask: ir.Value | None,
    past: tuple[ir.Value | None, ir.Value | None],
) -> bool:
    """Replace a node by Attention, with its caches if there are any."""
    attributes: dict[str, AttributeValue] = {"q_num_heads": heads, "kv_num_heads": heads}
    scale = float(attribute(site.node, "scale", 0.0))
    if scale:
        attributes["scale"] = scale
    if attribute(site.node, "unidirectional", 0):
        attributes["is_causal"] = 1
    node = site.node
    node.domain, node.op_type = "", "Attention"
    node.attributes.clear()
    for name, value in attributes.items():
        node.attributes[name] = ir.convenience.convert_attribute(name, value)
    inputs = [*operands, mask, *past]
    while inputs[-1] is None:
        inputs.pop()
    node.resize_inputs(len(inputs))
    for index, value_ in enumerate(inputs):
        node.replace_input_with(index, value_)
    return True


@contrib("RotaryEmbedding")
def rotary_embedding(site: Site) -> bool:
    """RotaryEmbedding, its positions given one by one or as those from an offset on."""
    shape, positions, cache = shape_of(site[0]), shape_of(site[1]), shape_of(site[2])
    if shape is None or positions is None or cache is None:
        return False
    packed = attribute(site.node, "is_packed_batching", 0)
    if packed or float(attribute(site.node, "scale", 1.0)) != 1:
        return False
    flat = len(shape) == 3
    length = shape[1] if flat else shape[2]
    place = site[1]
    if len(positions) == 1:  # the first position of all samples
        offset = integers(site[1]) if is_constant(site[1]) else None
        if offset is None:
            return False
        site.afford(shape[0], length)
        counted = [[*range(offset[0], offset[0] + length)]] * shape[0]
        place = site.constant(counted, "positions", ir.DataType.INT64)
    turned = attribute(site.node, "rotary_embedding_dim", 0)
    heads = attribute(site.node, "num_heads", 0)
    if flat and not heads:
        heads = shape[2] // (2 * cache[1])
    attributes: dict[str, AttributeValue] = {
        "interleaved": attribute(site.node, "interleaved", 0),
        "rotary_embedding_dim": turned,
        **({"num_heads": heads} if flat else {}),
    }
    inputs = [site[0], site[2], site[3], place]
    dtype = dtype_of(site[0])
    site.replace(site.add("RotaryEmbedding", inputs, dtype=dtype, **attributes))
    return True
