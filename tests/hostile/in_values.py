"""Changes of shapes, element types, elements, and of who reads what."""

import onnx
from onnx import TensorProto, numpy_helper
from parts import FLOATS, Random, graphs, infos, nodes, number, on_model, pair, tensors, text


@on_model
def lie_in_a_tensor_shape(rng: Random, model: onnx.ModelProto) -> None:
    tensor = rng.choice(tensors(model))
    kind = rng.randrange(4)
    if kind == 0 and tensor.dims:
        tensor.dims[rng.randrange(len(tensor.dims))] = number(rng)
    elif kind == 1:
        tensor.dims.append(rng.choice((1, 1, 0, number(rng))))
    elif kind == 2:
        tensor.dims[:] = rng.sample(list(tensor.dims), len(tensor.dims))
    else:
        tensor.dims[:] = [1] * rng.choice((0, 1, 9, 70)) + list(tensor.dims)


@on_model
def lie_in_a_value_shape(rng: Random, model: onnx.ModelProto) -> None:
    tensor_type = rng.choice(infos(model)).type.tensor_type
    if rng.random() < 0.2:
        tensor_type.ClearField("shape")
        return
    dims = tensor_type.shape.dim
    if not dims or rng.random() < 0.2:
        dims.add(dim_value=number(rng))
        return
    dim = dims[rng.randrange(len(dims))]
    if rng.random() < 0.4:
        dim.dim_param = text(rng)
    else:
        dim.dim_value = number(rng)


@on_model
def lie_in_a_tensor_type(rng: Random, model: onnx.ModelProto) -> None:
    rng.choice(tensors(model)).data_type = rng.choice((*range(30), 99, -1, 2**31 - 1))


@on_model
def lie_in_a_value_type(rng: Random, model: onnx.ModelProto) -> None:
    info = rng.choice(infos(model))
    kind = rng.randrange(4)
    if kind == 0:
        info.type.Clear()
    elif kind == 1:
        info.type.sequence_type.elem_type.tensor_type.elem_type = 1
    elif kind == 2:
        info.type.map_type.key_type = rng.choice((7, 8, 99))
    else:
        info.type.tensor_type.elem_type = rng.choice((*range(30), 99, -1))


@on_model
def claim_a_size(rng: Random, model: onnx.ModelProto) -> None:
    """Change the elements of an integer constant: shapes, counts, axes, indices, pads."""
    kinds = (TensorProto.INT64, TensorProto.INT32, TensorProto.UINT64, TensorProto.INT8)
    tensor = rng.choice([t for t in tensors(model) if t.data_type in kinds])
    array = numpy_helper.to_array(tensor).copy()
    flat = array.reshape(-1)
    for _ in range(rng.choice((1, 1, 2, 4))):
        wish = number(rng)
        bits = 8 * flat.itemsize
        low = 0 if flat.dtype.kind == "u" else -(2 ** (bits - 1))
        flat[rng.randrange(flat.size)] = min(max(wish, low), low + 2**bits - 1)
    name = tensor.name
    tensor.CopyFrom(numpy_helper.from_array(array, name))


@on_model
def change_floats(rng: Random, model: onnx.ModelProto) -> None:
    tensor = rng.choice([t for t in tensors(model) if t.data_type == TensorProto.FLOAT])
    array = numpy_helper.to_array(tensor).copy()
    array.reshape(-1)[rng.randrange(array.size)] = rng.choice(FLOATS)
    tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))


@on_model
def claim_an_input(rng: Random, model: onnx.ModelProto) -> None:
    dims = rng.choice(model.graph.input).type.tensor_type.shape.dim
    for dim in dims:
        dim.dim_value = number(rng)


@on_model
def tie_a_cycle(rng: Random, model: onnx.ModelProto) -> None:
    first, second = pair(rng, list(rng.choice(graphs(model)).node))
    first.input[rng.randrange(len(first.input))] = rng.choice(second.output)
    if rng.random() < 0.5:
        second.input[rng.randrange(len(second.input))] = rng.choice(first.output)


@on_model
def lose_an_initializer(rng: Random, model: onnx.ModelProto) -> None:
    found = rng.choice(graphs(model)).initializer
    del found[rng.randrange(len(found))]


@on_model
def lose_a_node(rng: Random, model: onnx.ModelProto) -> None:
    found = rng.choice(graphs(model)).node
    del found[rng.randrange(len(found))]


@on_model
def lose_an_operand(rng: Random, model: onnx.ModelProto) -> None:
    node = rng.choice(nodes(model))
    which = node.input if rng.random() < 0.7 else node.output
    if rng.random() < 0.5:
        which[rng.randrange(len(which))] = ""
    else:
        del which[rng.randrange(len(which))]


@on_model
def add_an_operand(rng: Random, model: onnx.ModelProto) -> None:
    first, second = pair(rng, nodes(model))
    which = first.input if rng.random() < 0.7 else first.output
    which.extend([rng.choice([*second.input, *second.output, text(rng)])] * rng.choice((1, 1, 40)))


@on_model
def swap_operands(rng: Random, model: onnx.ModelProto) -> None:
    first, second = pair(rng, nodes(model))
    i, j = rng.randrange(len(first.input)), rng.randrange(len(second.input))
    first.input[i], second.input[j] = second.input[j], first.input[i]


@on_model
def duplicate_a_node(rng: Random, model: onnx.ModelProto) -> None:
    graph = rng.choice(graphs(model))
    graph.node.add().CopyFrom(rng.choice(graph.node))


@on_model
def reverse_nodes(rng: Random, model: onnx.ModelProto) -> None:
    graph = rng.choice(graphs(model))
    held = list(graph.node)
    rng.shuffle(held)
    copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in held]
    del graph.node[:]
    graph.node.extend(copies)


@on_model
def duplicate_a_name(rng: Random, model: onnx.ModelProto) -> None:
    graph = rng.choice(graphs(model))
    values = [*graph.input, *graph.output, *graph.initializer, *graph.node]
    first, second = rng.choice(values), rng.choice(values)
    first.name = second.name


@on_model
def duplicate_an_entry(rng: Random, model: onnx.ModelProto) -> None:
    graph = rng.choice(graphs(model))
    if rng.random() < 0.3:
        graph.initializer.add().CopyFrom(rng.choice(graph.initializer))
        return
    entries = rng.choice((graph.input, graph.output, graph.value_info))
    entries.add().CopyFrom(rng.choice(entries))


@on_model
def change_outputs(rng: Random, model: onnx.ModelProto) -> None:
    graph = rng.choice(graphs(model))
    node = rng.choice(list(graph.node))
    kind = rng.randrange(3)
    if kind == 0:
        graph.output.add(name=rng.choice([*node.output, *node.input]))
    elif kind == 1:
        del graph.output[:]
    else:
        graph.output.add().CopyFrom(rng.choice([*graph.input, *graph.output]))
