"""A network with what it is called with: it can be run on arrays, as the ONNX model of it can."""

# PyTorch's own types are partial:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..ir.errors import Onnx2msError, UsageError
from ..ir.graph import Array
from ..verify.reference import first_line
from .guard import inference
from .structure import FORMS, Call, Leaf, call_of, leaves, left_out, names_of

WRAPPERS = (torch.nn.DataParallel, torch.nn.parallel.DistributedDataParallel)


@dataclass(frozen=True)
class Network:
    """A network and example inputs.

    Attributes:
        module: The network.
        call: What it is called with.
        inputs: Where each tensor stands in the call, by the name that it has in the model.
        outputs: Where each tensor stands in what the network returns, by its name.
        left_out: What else the network returns.
    """

    module: torch.nn.Module
    call: Call
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    left_out: Sequence[str]

    @property
    def class_name(self) -> str:
        """Qualified class of the network."""
        return qualified(self.module)

    @property
    def frozen(self) -> list[str]:
        """Keys of the parameters that do not train."""
        named = self.module.named_parameters(remove_duplicate=False)
        return [key for key, parameter in named if not parameter.requires_grad]

    def run(self, arrays: Mapping[str, Array]) -> dict[str, Array]:
        """Compute the outputs in inference mode.

        Args:
            arrays: One an input, by name.

        Returns:
            One an output, by name.

        Raises:
            Onnx2msError: The network fails on them.
        """
        examples = [leaf.tensor for leaf in self.call.leaves()]
        given = [
            tensor_of(arrays[name]).to(example.device)
            for name, example in zip(self.inputs, examples, strict=True)
        ]
        found, _ = _run(self.module, self.call.filled(given))
        if [leaf.place for leaf in found] != list(self.outputs.values()):
            raise Onnx2msError(
                "the network returns another structure on other inputs",
                help="what is compiled always returns the same; export a part that does",
            )
        return {name: array_of(leaf.tensor) for name, leaf in zip(self.outputs, found, strict=True)}

    def arrays(self) -> dict[str, Array]:
        """Return the example inputs by name."""
        tensors = [leaf.tensor for leaf in self.call.leaves()]
        return {name: array_of(t) for name, t in zip(self.inputs, tensors, strict=True)}

    def forward(self, forward: Callable[..., object]) -> Callable[..., tuple[torch.Tensor, ...]]:
        """Return a function from the input tensors to the output tensors.

        Args:
            forward: What the network computes by.
        """

        def flat(*tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
            call = self.call.filled(tensors)
            result = forward(*call.positional, **call.named)
            return tuple(leaf.tensor for leaf in leaves(result, ""))

        return flat


def network_of(module: object, example_inputs: object) -> Network:
    """Return a network with the names of its inputs and outputs; it runs once.

    Args:
        module: The network; what wraps it for parallel or compiled execution is taken off.
        example_inputs: A tensor, a tuple of positional arguments or a dictionary by name.

    Raises:
        UsageError: This is no network, or the inputs do not fit it.
        Onnx2msError: It fails on them.
    """
    module = unwrapped(module)
    call = call_of(module.forward, example_inputs)
    found = call.leaves()
    own = {*module.state_dict(), *dict(module.named_buffers())}
    inputs = names_of([leaf.place for leaf in found], own, "input")
    returned, rest = _run(module, call)
    if not returned:
        raise UsageError("the network returns no tensor", help="let forward return its outputs")
    places = [leaf.place for leaf in returned]
    outputs = names_of(places, {*own, *inputs}, "output")
    return Network(
        module,
        call,
        dict(zip(inputs, (leaf.place for leaf in found), strict=True)),
        dict(zip(outputs, places, strict=True)),
        rest,
    )


def unwrapped(module: object) -> torch.nn.Module:
    """Return a network without what wraps it for parallel or compiled execution.

    Raises:
        UsageError: This is no network, or a scripted one.
    """
    if isinstance(module, WRAPPERS):
        module = module.module
    module = getattr(module, "_orig_mod", module)  # of torch.compile
    if not isinstance(module, torch.nn.Module):
        raise UsageError(
            f"a torch.nn.Module is needed, not {type(module).__name__}",
            help="give the network itself, not its class or its state_dict",
        )
    if isinstance(module, torch.jit.ScriptModule):
        raise UsageError(
            "a scripted module tells no classes and cannot be traced",
            help="give the torch.nn.Module that it was made from",
        )
    return module


def qualified(module: torch.nn.Module) -> str:
    """Return the qualified name of a module's class."""
    kind = type(module)
    return f"{kind.__module__}.{kind.__qualname__}"


def array_of(tensor: torch.Tensor) -> Array:
    """Return a copy of a tensor's elements; NumPy has bfloat16 from ml_dtypes alone."""
    tensor = tensor.detach().cpu().contiguous().resolve_conj().resolve_neg()
    if tensor.dtype is torch.bfloat16:
        import ml_dtypes

        wide: Array = tensor.view(torch.int16).numpy().copy()
        return wide.view(ml_dtypes.bfloat16)
    array: Array = tensor.numpy().copy()
    return array


def tensor_of(array: Array) -> torch.Tensor:
    """Return a tensor with the elements of an array."""
    if array.dtype.name == "bfloat16":
        return torch.from_numpy(np.ascontiguousarray(array).view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(np.array(array))


def _run(module: torch.nn.Module, call: Call) -> tuple[list[Leaf], list[str]]:
    """Return the tensors that a network computes in inference mode, and what else it returns."""
    try:
        with inference(module), torch.no_grad():
            result = module(*call.positional, **call.named)
    except Exception as error:
        raise Onnx2msError(
            f"the network fails on its inputs: {first_line(error)}",
            help=f"call it in inference mode to see where; {FORMS}",
        ) from error
    return list(leaves(result, "")), list(left_out(result, ""))
