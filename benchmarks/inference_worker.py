"""One network in a process of its own, which computes when it is told to.

`python inference_worker.py NETWORK MODE BATCH CLOCK FOLDER`: it builds the network, runs it once
and prints `first: SECONDS`; for each line that it then reads it runs it again and prints
`call: SECONDS`. NETWORK is onnx2ms (FOLDER holds model.py), mindcv (with the same weights) or
mindcv-torch-pool (and with torchvision's pooling layer), CLOCK is wall or cpu.
"""

import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

ms: Any = import_module("mindspore")  # ships no types

TURN = 0.5
"""Seconds that a turn lasts at least; the median of its calls counts."""


def emitted(folder: Path) -> Any:
    """Return the network that onnx2ms wrote."""
    sys.path.insert(0, str(folder))
    return import_module("model").build_model()


def mindcv(folder: Path) -> Any:
    """Return mindcv's ResNet-50 as it is, with the weights that onnx2ms wrote."""
    weights = {  # docs/mindcv.md
        name.replace("downsample", "down_sample").replace("fc.", "classifier."): weight
        for name, weight in ms.load_checkpoint(str(folder / "model.ckpt")).items()
    }
    net = import_module("mindcv").create_model("resnet50")
    wrong = ms.load_param_into_net(net, weights, strict_load=True)
    assert not any(wrong), wrong
    return net.set_train(False)


def mindcv_torch_pool(folder: Path) -> Any:
    """Return mindcv's ResNet-50 with the pooling layer of torchvision's, docs/mindcv.md."""
    net = mindcv(folder)
    net.max_pool = ms.nn.MaxPool2d(3, stride=2, pad_mode="pad", padding=1)
    return net


NETWORKS: dict[str, Callable[[Path], Any]] = {
    "onnx2ms": emitted,
    "mindcv": mindcv,
    "mindcv-torch-pool": mindcv_torch_pool,
}
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


def main(network: str, mode: str, batch: int, clock: str, folder: Path) -> None:
    """Serve until the input ends."""
    ms.device_context.cpu.op_tuning.threads_num(1)
    ms.set_context(mode=ms.GRAPH_MODE if mode == "GRAPH" else ms.PYNATIVE_MODE)
    now, net = CLOCKS[clock], NETWORKS[network](folder)
    image = np.random.default_rng(0).standard_normal((batch, 3, 224, 224)).astype(np.float32)
    given = ms.Tensor(image)

    def call() -> float:
        started = now()
        net(given).asnumpy()
        return now() - started

    print(f"first: {call()}", flush=True)
    for _ in sys.stdin:
        call()  # the caches hold what another process computed
        calls: list[float] = []
        while sum(calls) < TURN:
            calls.append(call())
        print(f"call: {np.median(calls)}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4], Path(sys.argv[5]))
