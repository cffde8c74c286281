"""The text of train.py; `<<name>>` stands for what depends on the network."""

TEMPLATE = '''\
"""Train <<network>> of model.py. `onnx2ms scaffold` wrote this file; it is yours to change.

    python train.py
    python train.py --mode graph --step cell --epochs 5
    msrun --worker_num=2 --local_worker_num=2 --join=True --log_dir=logs train.py

It runs as it stands, on samples that are made up: put yours into `Samples`, and your task's loss
into `NetWithLoss`. `python train.py --resume` goes on where the last checkpoint was written, with
the samples, rates and losses that would have followed. `build_model` takes a checkpoint's
<<weights>>, and `onnx2ms weights` takes it home to PyTorch.

With several workers gradients are averaged: n workers with batches of b do what one does with
batches of n * b. The checkpoints' folder must be one that all of them see.<<notes>>

--deterministic takes kernels that give the same bits each time, at some speed; for Ascend's
collectives it sets HCCL_DETERMINISTIC=true. To find the line at which Ascend fails, let it launch
one kernel after the other: ASCEND_LAUNCH_BLOCKING=1 python train.py.
"""

import argparse
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import mindspore as ms
import mindspore.dataset as ds
import numpy as np
from mindspore import amp, nn, ops
from mindspore.communication import get_group_size, get_rank, init
from model import build_model

<<columns>>


class Samples:
    """Made-up samples: put yours here.

    A sample is what the network takes, without the axis of the batch, and then the label.
    """

    def __len__(self) -> int:
        return <<samples>>

    def __getitem__(self, index: int) -> tuple[np.ndarray, ...]:
        random = np.random.default_rng(index)
        return (
<<sample>>
        )


def make_dataset(samples: Samples, order: Sequence[int], batch: int) -> ds.Dataset:
    """Return batches of samples in an order; `map` belongs between these two lines."""
    dataset = ds.GeneratorDataset(samples, COLUMNS, sampler=list(order))
    return dataset.batch(batch, drop_remainder=True)


class NetWithLoss(nn.WithLossCell):
    """The network and its loss: `nn.WithLossCell` for a batch of `COLUMNS`."""

<<construct>>


def make_optimizer(net: nn.Cell, rate: float, steps: int) -> nn.Optimizer:
    """Return the optimizer, its rate warmed up and then lowered by a cosine."""
    # Biases and gains do not decay: said by groups, since MindSpore's own rule goes by names.
    trained = net.trainable_params()
    wide = [p for p in trained if p.ndim > 1]
    narrow = [p for p in trained if p.ndim <= 1]
    groups = [
        {"params": params, "weight_decay": decay}
        for params, decay in ((wide, <<decay>>), (narrow, 0.0))
        if params
    ]
    step = np.arange(steps)
    warm = np.minimum(1.0, (step + 1) / max(1, steps // 20))
    rates = (rate * warm * (1 + np.cos(np.pi * step / steps)) / 2).tolist()
<<optimizer>>


def function_step(
    net: nn.Cell, optimizer: nn.Optimizer, scaler: amp.LossScaler | None, workers: int
) -> Callable[..., ms.Tensor]:
    """Return a function that takes one step on a batch and returns its loss."""
    reduce = nn.DistributedGradReducer(optimizer.parameters) if workers > 1 else None

    def forward(*batch):
        loss = net(*batch)
        return loss if scaler is None else scaler.scale(loss)

    derive = ms.value_and_grad(forward, None, optimizer.parameters)

    def step(*batch: ms.Tensor) -> ms.Tensor:
        loss, gradients = derive(*batch)
        if scaler is not None:
            loss, gradients = scaler.unscale(loss), scaler.unscale(gradients)
        if reduce is not None:
            gradients = reduce(gradients)
        finite = scaler is None or amp.all_finite(gradients)
        if finite:  # else float16 was too narrow: the next steps are scaled less
            optimizer(gradients)
        if scaler is not None:
            scaler.adjust(finite)
        return loss

    return step


def cell_step(net: nn.Cell, optimizer: nn.Optimizer, *, scaled: bool) -> nn.Cell:
    """Return the same as a Cell; between workers it averages by itself."""
    if not scaled:
        return nn.TrainOneStepCell(net, optimizer).set_train()
    scale = nn.DynamicLossScaleUpdateCell(2.0**15, 2, 1000)
    return nn.TrainOneStepWithLossScaleCell(net, optimizer, scale).set_train()


def save(folder: Path, step: int, net: nn.Cell, others: dict[str, ms.Parameter]) -> None:
    """Write a checkpoint, whole or not at all, and remove all but the one before it."""
    unfinished = folder / "unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    file = str(unfinished / "<<weights>>")
    ms.save_checkpoint(net, file<<format>>)
    state = [{"name": name, "data": value} for name, value in others.items()]
    ms.save_checkpoint(state, str(unfinished / "state.ckpt"), append_dict={"step": step})
    shutil.rmtree(folder / f"step_{step:08}", ignore_errors=True)
    unfinished.rename(folder / f"step_{step:08}")
    for old in sorted(folder.glob("step_*"))[:-2]:
        shutil.rmtree(old)


def restore(checkpoint: Path, others: dict[str, ms.Parameter]) -> int:
    """Load all of a checkpoint but the network; return how many steps had been taken."""
    state = ms.load_checkpoint(str(checkpoint / "state.ckpt"))
    step = int(state.pop("step").asnumpy())
    if state.keys() != others.keys():
        raise SystemExit(f"{checkpoint} belongs to other options: --amp and --step must be equal")
    for name, value in others.items():
        value.set_data(state[name])
    return step

<<functions>>
def start(args: argparse.Namespace) -> tuple[int, int]:
    """Set MindSpore up; return this worker's rank, and how many there are."""
    if args.device:
        ms.set_device(args.device)
    ms.set_context(mode=ms.GRAPH_MODE if args.mode == "graph" else ms.PYNATIVE_MODE)
    if args.deterministic:
        ms.set_deterministic(True)
    if args.step == "cell" and args.amp != "O0" and ms.get_context("device_target") == "CPU":
        raise SystemExit("a cell scales no losses on a CPU; take --step function")
    if "MS_ROLE" not in os.environ:  # msrun sets it
        return 0, 1
    init()
    ms.set_auto_parallel_context(parallel_mode="data_parallel", gradients_mean=True)
    return get_rank(), get_group_size()


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line; None: that of the process."""
    parser = argparse.ArgumentParser(description="Train <<network>>.")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--batch", type=int, default=<<batch>>, <<batch help>>)
    parser.add_argument("--rate", type=float, default=<<rate>>, help="highest learning rate")
    parser.add_argument("--mode", choices=["pynative", "graph"], default="pynative")
    parser.add_argument("--step", choices=["function", "cell"], default="function")
    parser.add_argument("--amp", choices=["O0", "O1", "O2", "O3", "auto"], default="O0")
    parser.add_argument("--device", choices=["Ascend", "GPU", "CPU"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--deterministic", action="store_true")
    parser.add_argument("--checkpoints", type=Path, default=Path("checkpoints"))
    parser.add_argument("--save-every", type=int, default=100, help="steps")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> nn.Cell:
    """Train, and return the network."""
    args = parse(arguments)
    rank, workers = start(args)
    samples = Samples()
    batch = args.batch
    steps = len(samples) // (batch * workers)  # in an epoch
    total = args.epochs * steps
    if not total:
        raise SystemExit(f"{len(samples)} samples make no batch of {batch} for each of {workers}")

    found = sorted(args.checkpoints.glob("step_*")) if args.resume else []
    # Before the network is built: a Dropout takes its seed then.
    ms.set_seed(args.seed + rank)
    net = build_model(found[-1] / "<<weights>>") if found else build_model()
    optimizer = make_optimizer(net, args.rate, total)
    mixed = net if args.amp == "O0" else amp.auto_mixed_precision(net, args.amp)
    with_loss = NetWithLoss(mixed, <<loss>>).set_train()
    scaled = args.amp != "O0"
    if args.step == "cell":
        step = cell_step(with_loss, optimizer, scaled=scaled)
        held = step.parameters_dict()
    else:
        scaler = amp.DynamicLossScaler(2.0**15, 2, 1000) if scaled else None
        step = function_step(with_loss, optimizer, scaler, workers)
        held = optimizer.parameters_dict()
        if scaler is not None:
            held |= {"loss_scale": scaler.scale_value, "loss_scale_steps": scaler.counter}
    own = net.parameters_dict()
    others = {k: v for k, v in held.items() if k not in own and k != "learning_rate"}
    taken = restore(found[-1], others) if found else 0<<reseed>>
    mean = ops.AllReduce() if workers > 1 else None
    while taken < total:
        epoch, done = divmod(taken, steps)
        order = np.random.default_rng([args.seed, epoch]).permutation(len(samples))
        order = order[: steps * workers * batch].reshape(steps, workers, batch)
        dataset = make_dataset(samples, order[done:, rank].ravel().tolist(), batch)
        for columns in dataset.create_tuple_iterator(num_epochs=1):
            loss = step(*columns)
            loss = loss if mean is None else mean(loss) / workers
            taken += 1
            if rank == 0:
                print(f"epoch {epoch} step {taken} loss {float(loss.asnumpy()):.8g}", flush=True)
            if taken % args.save_every == 0 or taken == total:<<average>>
                if rank == 0:
                    save(args.checkpoints, taken, net, others)<<reseed saved>>
    return net


if __name__ == "__main__":
    main()
'''
