"""The last steps of a training program: what was trained becomes a proved MindSpore folder."""

import sys
from pathlib import Path

import torch
from torch import nn

import onnx2ms
from onnx2ms.compiler.cli import main as command


def network():
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Dropout(0.2), nn.Linear(8 * 4 * 4, 2),
    )  # fmt: skip


def train(net, steps, generator):
    """Learn to tell bright upper halves from bright lower ones."""
    optimizer, net = torch.optim.SGD(net.parameters(), 0.1, momentum=0.9), net.train()
    for _ in range(steps):
        images = torch.rand(32, 1, 8, 8, generator=generator)
        labels = (images[:, 0, :4].mean((1, 2)) < images[:, 0, 4:].mean((1, 2))).long()
        loss = nn.functional.cross_entropy(net(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


def main(folder="trained_mindspore", verify="both"):
    folder, net = Path(folder), network()
    generator = torch.Generator().manual_seed(0)
    loss = train(net, 50, generator)
    conversion = onnx2ms.from_torch(
        net,
        torch.rand(1, 1, 8, 8, generator=generator),
        folder,
        dynamic={"": ("batch", 1, 8, 8)},
        verify=verify,
        model_name="halves",
        progress=lambda part: print(f"{part} …"),
    )
    if not conversion.verified:  # from_torch raises NotProvenError before it comes to that
        raise SystemExit("not proved")
    print(f"loss {loss:.3f}: {conversion.report['weights']['elements']} parameters in {folder}")

    train(net, 50, generator)  # later weights need no conversion
    torch.save(net.state_dict(), folder / "later.pth")
    words = [str(folder / "later.pth"), "--map", str(folder / "weight_map.json")]
    if command(["weights", *words, "-o", str(folder / "later.ckpt")]):
        raise SystemExit("the later weights do not fit")
    return conversion


if __name__ == "__main__":
    main(*sys.argv[1:2])
