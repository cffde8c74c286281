"""Derive and train an emitted network in MindSpore; the child process imports it by its path.

It imports nothing of onnx2ms, so that the memory which the child reports is MindSpore's and the
network's.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import mindspore as ms
import numpy as np
import numpy.typing as npt
from mindspore import nn, ops
from mindspore.experimental import optim

if TYPE_CHECKING:
    from .training import Trained, Training

Array = npt.NDArray[np.generic]


Derivative = Callable[[Sequence[Any]], tuple[Any, Sequence[Any], dict[str, Any]]]
"""A function from a batch to loss, outputs, and gradients by parameter or `input 0` …."""


class Loss(nn.Cell):  # type: ignore[misc]  # MindSpore ships no types
    """The mean square of what separates outputs from targets, and the outputs.

    Args:
        net: The network.
        outputs: Places of the outputs that count.
        scales: For each of them, what the difference is multiplied by.
        inputs: How many of the arguments go to the network; the others are targets.
    """

    def __init__(
        self, net: Any, outputs: Sequence[int], scales: Sequence[float], inputs: int
    ) -> None:
        super().__init__(auto_prefix=False)  # parameters keep their names
        self.net = net
        self.outputs = tuple(outputs)
        self.scales = tuple(scales)
        self.inputs = inputs

    def construct(self, *arguments: ms.Tensor) -> tuple[ms.Tensor, tuple[ms.Tensor, ...]]:
        """Return the loss and the outputs for inputs and, after them, targets."""
        returned = self.net(*arguments[: self.inputs])
        if not isinstance(returned, tuple):
            returned = (returned,)
        loss = 0.0
        for i in range(len(self.outputs)):
            apart = (returned[self.outputs[i]] - arguments[self.inputs + i]) * self.scales[i]
            loss = loss + (apart * apart).mean()
        return loss, returned


class Trainer:
    """One network on its way through a `Training`.

    Args:
        build: Builds the network with its weights.
        batches: Inputs and then targets, for each batch.
        told: What to do.
        keep: Stores an array and returns its number.
    """

    def __init__(
        self,
        build: Callable[[], Any],
        batches: Sequence[Sequence[Array]],
        told: "Training",
        keep: Callable[[Array], int],
    ) -> None:
        self.told, self.batches, self._build, self._keep = told, batches, build, keep
        self.inputs = len(batches[0]) - len(told["outputs"])
        self.net = build()
        quiet(self.net)
        self.parameters: dict[str, Any] = dict(self.net.parameters_dict())
        self.start = {name: held.asnumpy().copy() for name, held in self.parameters.items()}
        self.loss = Loss(self.net, told["outputs"], told["scales"], self.inputs)
        self._derivatives: dict[str, Derivative] = {}
        trainable = [name for name, held in self.parameters.items() if held.requires_grad]
        self.result: Trained = {
            "trainable": trainable,
            "start": {name: keep(array) for name, array in self.start.items()},
            "forward": {},
            "gradients": {},
            "losses": {},
            "statistics": {},
            "quotients": {},
        }

    def run(self, stage: Callable[[str], None]) -> "Trained":
        """Compute everything that was asked for, and say what begins."""
        for state in self.told["states"]:
            stage(f"{state} mode")
            self._reset()
            self.loss.set_train(state == "train")
            if state in self.told["derive"]:
                self._derive(state)
            else:
                _, outputs = self.loss(*self._tensors(0))
                self._forward(state, outputs)
            if state == "train":
                self.result["statistics"][state] = self._statistics()
        for name, rate in self.told["rates"].items():
            stage(f"training by {name}")
            self._train(name, rate)
        if self.told["quotients"]:
            stage("difference quotients")
            self._quotients()
        return self.result

    def _reset(self) -> None:
        # Not by set_data: in GRAPH mode (MindSpore 2.10) what was compiled before would then go on
        # with another value than what is compiled later.
        for name, held in self.parameters.items():
            ops.assign(held, ms.Tensor(self.start[name]))

    def _tensors(self, batch: int) -> list[Any]:
        return [ms.Tensor(array) for array in self.batches[batch % len(self.batches)]]

    def _forward(self, state: str, outputs: Sequence[Any]) -> None:
        self.result["forward"][state] = [self._keep(output.asnumpy()) for output in outputs]

    def _statistics(self) -> dict[str, int]:
        return {
            name: self._keep(held.asnumpy().copy())
            for name, held in self.parameters.items()
            if not held.requires_grad
        }

    def _derive(self, state: str) -> None:
        """Derive the loss of the first batch by every parameter and the inputs asked for."""
        _, outputs, gradients = self._derivative(state)(self._tensors(0))
        self._forward(state, outputs)
        self.result["gradients"][state] = {
            label: self._keep(gradient.asnumpy()) for label, gradient in gradients.items()
        }

    def _derivative(self, state: str) -> Derivative:
        """Return the function from a batch to loss, outputs and gradients; GRAPH compiles it once.

        The network must be in the state when it is called.
        """
        if state in self._derivatives:
            return self._derivatives[state]
        places, names = tuple(self.told["inputs"]), self.result["trainable"]
        weights = [self.parameters[name] for name in names]
        labels = [*(f"input {i}" for i in places), *names]
        derived = ms.value_and_grad(
            self.loss, grad_position=places or None, weights=weights or None, has_aux=True
        )

        def derive(batch: Sequence[Any]) -> tuple[Any, Sequence[Any], dict[str, Any]]:
            if not labels:
                return *self.loss(*batch), {}
            (loss, outputs), found = derived(*batch)
            by_input, by_weight = (
                found if places and weights else (found, ()) if places else ((), found)
            )
            by_input = by_input if isinstance(by_input, tuple) else (by_input,)
            return loss, outputs, dict(zip(labels, [*by_input, *by_weight], strict=True))

        self._derivatives[state] = derive
        return derive

    def _train(self, name: str, rate: float) -> None:
        """Take steps by one optimizer from where the network was, and keep the losses."""
        self._reset()
        self.loss.set_train(True)
        decays = (self.told["decay"], 0.0)
        groups: list[Mapping[str, object]] = [
            {"params": [self.parameters[n] for n in names], "weight_decay": decay}
            for names, decay in zip(self.told["groups"], decays, strict=True)
            if names
        ]
        if name == "SGD":
            optimizer = optim.SGD(groups, lr=rate, momentum=self.told["momentum"])
        else:
            # nn.AdamWeightDecay of MindSpore 2.10 leaves out the correction of the bias, which
            # makes the first steps ten times as long as PyTorch's.
            optimizer = optim.AdamW(groups, lr=rate, eps=self.told["epsilon"])
        order = [n for names in self.told["groups"] for n in names]
        losses = self.result["losses"][name] = []
        for step in range(self.told["steps"]):
            loss, _, gradients = self._derivative("train")(self._tensors(step))
            optimizer(tuple(gradients[n] for n in order))
            losses.append(float(loss.asnumpy()))
        self.result["statistics"][name] = self._statistics()

    def _quotients(self) -> None:
        """Compute difference quotients of the loss in float64, a direction for each parameter.

        Raises:
            Exception: Whatever MindSpore raises where an operator has no kernel for float64.
        """
        net = self._build()
        quiet(net)
        for parameter in net.get_parameters():
            if parameter.dtype == ms.float32:
                parameter.set_dtype(ms.float64)
        batch = [a.astype(np.float64) if a.dtype == np.float32 else a for a in self.batches[0]]
        arguments = [ms.Tensor(array) for array in batch]
        loss = Loss(net, self.told["outputs"], self.told["scales"], self.inputs).set_train(False)
        random = np.random.default_rng(0)
        parameters = net.parameters_dict()
        held: dict[str, Any] = {f"input {i}": x for i, x in enumerate(arguments[: self.inputs])}
        held |= {name: parameters[name] for name in self.result["trainable"]}
        for name in (name for name in self.told["quotients"] if name in held):
            start = held[name].asnumpy().copy()
            direction = random.standard_normal(start.shape)

            def value(
                by: float, name: str = name, start: Any = start, way: Any = direction
            ) -> float:
                moved = ms.Tensor(start + by * way)
                if not isinstance(held[name], ms.Parameter):
                    changed = [moved if x is held[name] else x for x in arguments]
                    return float(loss(*changed)[0].asnumpy())
                held[name].set_data(moved)
                return float(loss(*arguments)[0].asnumpy())

            quotients = [(value(step) - value(-step)) / (2 * step) for step in self.told["widths"]]
            value(0)
            self.result["quotients"][name] = (self._keep(direction), quotients)


def quiet(net: Any) -> None:
    """Let every Dropout pass on what it gets, in training too."""
    for _, cell in net.cells_and_names():
        if isinstance(cell, nn.Dropout):
            cell.p = 0.0
