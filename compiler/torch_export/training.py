"""A PyTorch module called, derived and trained: what the emitted network is held against."""

import copy
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np

from ..ir.errors import Onnx2msError, UsageError
from ..ir.graph import Array
from ..verify.compare import difference
from ..verify.reference import first_line
from ..verify.training import (
    DECAY,
    EPSILON,
    LOSS,
    MOMENTUM,
    Expected,
    Reference,
    State,
    make_targets,
)
from .network import array_of, tensor_of, unwrapped
from .quiet import drop_nothing, quiet
from .structure import Call, call_of, leaves

BATCHES = 4
"""So many batches the optimizers go round."""

RATES = {"SGD": 1e-2, "AdamW": 1e-3}
"""Learning rates to begin with; a network that does not bear one is trained at a tenth of it."""

TENTHS = 3
"""So often the learning rate is lowered."""

GROWTH = 4.0
"""A loss so much larger than any batch had at first shows that the learning rate is too high."""

APART = LOSS / 10
"""So do losses that are so far from those of float64: the training grows its own rounding errors,
and would another's."""


def run_module(
    module: object,
    example_inputs: object,
    *,
    derive: Sequence[State] = ("eval", "train"),
    steps: int = 0,
    seed: int = 0,
) -> Reference:
    """Call, derive and train a copy of a PyTorch module, with nothing dropped.

    The loss is the mean square of what separates the outputs from random targets, each in units
    of the output's deviation. Forward and gradients are computed in float64 too, where the module
    can: that is then the reference, and float32's distance from it its noise.

    Args:
        module: A torch.nn.Module; it stays as it is.
        example_inputs: What it is called with: a tensor, a tuple of positional arguments or a
            dictionary of keyword arguments; structures of tensors among them.
        derive: In which states the loss is derived.
        steps: How often each optimizer goes on.
        seed: Of further batches and of the targets.

    Raises:
        UsageError: The module takes or returns no tensors, or none that a gradient can go through.
        Onnx2msError: It computes something else each time.
    """
    torch: Any = import_module("torch")
    copied: Any = copy.deepcopy(unwrapped(module))
    call = call_of(copied.forward, example_inputs)
    random = np.random.default_rng(seed)
    given = [array_of(leaf.tensor) for leaf in call.leaves()]
    inputs = [given, *([_like(a, random) for a in given] for _ in range(bool(steps) * BATCHES - 1))]
    if steps and not any(p.requires_grad for p in copied.parameters()):
        raise UsageError(
            "the network has no parameter that could be trained", help="leave out --steps"
        )
    with quiet():
        net = _Net(torch, copied, call)
        batches, outputs, scales = _targets(net, inputs, random)
        net.set_loss(outputs, scales)
        double = _double(net, batches[0])
        places = [i for i, array in enumerate(given) if array.dtype == np.float32] if derive else []
        found = {s: _derived(net, batches[0], s, places, derive) for s in ("eval", "train")}
        _refuse_random(net, batches[0], found["train"].outputs)
        nudged = _nudged(batches[0], random)
        again = {s: _derived(net, nudged, s, places, derive) for s in found}
        exact = {
            s: _derived(double, _wide(batches[0]), s, places, derive) if double else found[s]
            for s in found
        }
        statistics = {"train": found["train"].buffers}
        rates, losses = dict[str, float](), dict[str, Sequence[float]]()
        for name, rate in RATES.items() if steps else ():
            rates[name], losses[name], statistics[name] = _train(
                net, double, batches, name, rate, steps
            )
        net.reset()
    return Reference(
        engine=f"torch {torch.__version__}",
        batches=batches,
        outputs=outputs,
        scales=scales,
        inputs=places,
        values={key: array_of(tensor) for key, tensor in net.state().items()},
        trained=_numbers(net),
        forward={
            s: [*map(_expected, found[s].outputs, e.outputs, again[s].outputs)]
            for s, e in exact.items()
        },
        gradients={
            s: {
                key: _expected(gradient, e.gradients[key], again[s].gradients[key])
                for key, gradient in found[s].gradients.items()
            }
            for s, e in exact.items()
            if s in derive
        },
        rates=rates,
        losses=losses,
        statistics=statistics,
    )


class _Net:
    """A module with its loss, that can be put back to where it began."""

    def __init__(self, torch: Any, module: Any, call: Call) -> None:
        self.torch, self.module, self.call = torch, module, call
        drop_nothing(module)
        self._start = {key: tensor.clone() for key, tensor in self.state().items()}
        self._outputs: Sequence[int] = ()
        self._scales: Sequence[float] = ()

    def set_loss(self, outputs: Sequence[int], scales: Sequence[float]) -> None:
        self._outputs, self._scales = outputs, scales

    def double(self) -> "_Net":
        net = _Net(self.torch, copy.deepcopy(self.module).double(), self.call)
        net.set_loss(self._outputs, self._scales)
        return net

    def state(self) -> dict[str, Any]:
        return {key: value.detach() for key, value in self.module.state_dict().items()}

    def reset(self) -> None:
        """Put every parameter and buffer back, with the flags of a new module."""
        self.module.load_state_dict(self._start)
        self.module.zero_grad()

    def set_state(self, state: State) -> None:
        """Put the network where it began, in a state."""
        self.reset()
        self.module.train(state == "train")

    def parameters(self) -> list[Any]:
        return [p for p in self.module.parameters() if p.requires_grad]

    def keys(self, parameters: Sequence[Any]) -> dict[str, Any]:
        """Return parameters by all the names that they have in the state_dict."""
        ids = {id(parameter) for parameter in parameters}
        named = self.module.named_parameters(remove_duplicate=False)
        return {key: parameter for key, parameter in named if id(parameter) in ids}

    def run(
        self, arrays: Sequence[Array], places: Sequence[int] = ()
    ) -> tuple[Any, list[Any], Any]:
        """Return inputs, outputs and loss for a batch; the loss is None if no target is given."""
        count = len(self.call.leaves())
        tensors = [tensor_of(array) for array in arrays]
        for place in places:
            tensors[place].requires_grad_()
        outputs = _called(self.module, self.call.filled(tensors[:count]))
        loss = 0.0
        for place, target, scale in zip(self._outputs, tensors[count:], self._scales, strict=True):
            loss = loss + ((outputs[place] - target) * scale).square().mean()
        return tensors[:count], outputs, loss


def _called(module: Any, call: Call) -> list[Any]:
    """Return the tensors that a module computes.

    Raises:
        Onnx2msError: It fails on what it is called with.
    """
    try:
        returned = module(*call.positional, **call.named)
    except Exception as error:
        state = "training" if module.training else "inference"
        raise Onnx2msError(
            f"the network fails on its inputs in {state} mode: {first_line(error)}",
            help="its example inputs must fit both modes: of a batch of one BatchNorm may have"
            " nothing to average",
        ) from error
    return [leaf.tensor for leaf in leaves(returned, "")]


class _Found:
    """What came of one call: outputs, gradients by key or input, buffers afterwards."""

    def __init__(
        self, outputs: list[Array], gradients: dict[str, Array], buffers: dict[str, Array]
    ):
        self.outputs, self.gradients, self.buffers = outputs, gradients, buffers


def _derived(
    net: _Net,
    batch: Sequence[Array],
    state: State,
    places: Sequence[int],
    derive: Sequence[State],
) -> _Found:
    """Call a network in a state, and derive its loss there if that is asked for."""
    net.set_state(state)
    wanted = state in derive
    with net.torch.set_grad_enabled(wanted):
        inputs, outputs, loss = net.run(batch, places if wanted else ())
    gradients: dict[str, Array] = {}
    trained = net.keys(net.parameters())
    if wanted and loss.requires_grad:
        loss.backward()
        held = {f"input {i}": inputs[i] for i in places} | trained
        gradients = {k: array_of(t.grad) for k, t in held.items() if t.grad is not None}
    buffers = {key: array_of(t) for key, t in net.state().items() if key not in trained}
    return _Found([array_of(output) for output in outputs], gradients, buffers)


def _targets(
    net: _Net, inputs: Sequence[Sequence[Array]], random: np.random.Generator
) -> tuple[list[list[Array]], list[int], list[float]]:
    """Return batches with targets, the places of the outputs that have one, and their scales."""
    net.set_state("eval")
    with net.torch.no_grad():
        found = [[array_of(o) for o in net.run(batch)[1]] for batch in inputs]
    targets, places, scales = make_targets(found, random)
    if not places:
        raise UsageError(
            "the module returns no finite float32 tensor, so nothing can be derived",
            help="verify it without --gradients and --steps",
        )
    batches = [[*batch, *wanted] for batch, wanted in zip(inputs, targets, strict=True)]
    return batches, places, scales


def _double(net: _Net, batch: Sequence[Array]) -> _Net | None:
    """Return the network in float64; None where something in it insists on float32."""
    double = net.double()
    try:
        double.set_state("eval")
        with net.torch.no_grad():
            outputs = double.run(_wide(batch))[1]
    except Onnx2msError:
        return None
    return double if all(o.dtype != net.torch.float32 for o in outputs) else None


def _train(
    net: _Net,
    double: _Net | None,
    batches: Sequence[Sequence[Array]],
    name: str,
    rate: float,
    steps: int,
) -> tuple[float, list[float], dict[str, Array]]:
    """Return learning rate, losses and final buffers of a training that does not run away."""
    net.set_state("train")
    with net.torch.no_grad():
        first = max(float(net.run(batch)[2]) for batch in batches)
    for tenths in range(TENTHS):
        lowered = rate / 10**tenths
        losses, buffers = _trained(net, batches, name, lowered, steps)
        exact = losses
        if double is not None:
            exact, _ = _trained(double, [*map(_wide, batches)], name, lowered, steps)
        tame = np.isfinite(losses).all() and max(losses) <= GROWTH * first
        if tame and np.allclose(losses, exact, rtol=APART, atol=0):
            return lowered, losses, buffers
    lowered = rate / 10**TENTHS
    return lowered, *_trained(net, batches, name, lowered, steps)


def _trained(
    net: _Net, batches: Sequence[Sequence[Array]], name: str, rate: float, steps: int
) -> tuple[list[float], dict[str, Array]]:
    """Return losses and final buffers of a training from where the network began."""
    net.set_state("train")
    parameters = net.parameters()
    wide = [p for p in parameters if p.ndim > 1]
    narrow = [p for p in parameters if p.ndim <= 1]
    groups = [{"params": wide, "weight_decay": DECAY}, {"params": narrow, "weight_decay": 0.0}]
    optimizer = (
        net.torch.optim.SGD(groups, lr=rate, momentum=MOMENTUM)
        if name == "SGD"
        else net.torch.optim.AdamW(groups, lr=rate, eps=EPSILON)
    )
    losses: list[float] = []
    for step in range(steps):
        optimizer.zero_grad()
        loss = net.run(batches[step % len(batches)])[2]
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    trained = net.keys(net.parameters())
    return losses, {key: array_of(t) for key, t in net.state().items() if key not in trained}


def _refuse_random(net: _Net, batch: Sequence[Array], outputs: Sequence[Array]) -> None:
    """Refuse a module that computes something else each time: nothing can be held against it.

    Raises:
        Onnx2msError: It does, with everything that is known to drop something switched off.
    """
    net.set_state("train")
    with net.torch.no_grad():
        again = [array_of(output) for output in net.run(batch)[1]]
    for one, other in zip(outputs, again, strict=True):
        if difference(other, one).error > 1e-3:
            raise Onnx2msError(
                "in train mode the module computes something else each time it is called",
                help="switch off what is random in it, beside Dropout, before the factory "
                "returns it",
            )


def _numbers(net: _Net) -> dict[str, int]:
    """Return by each key of a parameter that is trained its number."""
    numbers = {id(parameter): i for i, parameter in enumerate(net.parameters())}
    return {key: numbers[id(p)] for key, p in net.keys(net.parameters()).items()}


def _like(array: Array, random: np.random.Generator) -> Array:
    """Return another array of the same kind: numbers of its mean and deviation, or its own mixed.

    A mask, of zeros and ones only, stays.
    """
    if array.dtype.kind == "f":
        numbers = random.standard_normal(array.shape) * float(array.std()) + float(array.mean())
        return numbers.astype(array.dtype)
    if array.dtype.kind == "b" or set(np.unique(array).tolist()) <= {0, 1}:
        return array
    return random.permutation(array.reshape(-1)).reshape(array.shape)


def _wide(batch: Sequence[Array]) -> list[Array]:
    return [a.astype(np.float64) if a.dtype == np.float32 else a for a in batch]


def _nudged(batch: Sequence[Array], random: np.random.Generator) -> list[Array]:
    """Return a batch whose real numbers are the next ones, above or below."""
    return [
        np.nextafter(a, np.where(random.random(a.shape) < 0.5, -np.inf, np.inf).astype(a.dtype))
        if a.dtype == np.float32
        else a
        for a in batch
    ]


def _expected(found: Array, exact: Array, again: Array) -> Expected:
    """Return what is right and how far float32 is from it.

    Of a gradient that is one number one deviation says little: it may be small by chance. So
    another is looked at, that of inputs which float32 can hardly tell from the given ones.
    """
    if found.dtype.kind != "f":
        return Expected(found)
    apart = difference(found, exact, same_type=False)
    if apart.problem:
        return Expected(found)
    other = difference(again, exact, same_type=False)
    return Expected(exact, max(apart.error, 0.0 if other.problem else other.error))
