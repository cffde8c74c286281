"""Train in PyTorch, compile to MindSpore, and train on there: handwritten digits, offline.

    python digits.py

Needs scikit-learn for the pictures. Prints for both networks the accuracy on pictures that were
not trained on: before and after compiling, and after each of both has gone on to train.
"""

from dataclasses import dataclass

import numpy as np
import torch
from networks import Cnn, Transformer
from sklearn.datasets import load_digits

import onnx2ms

EPOCHS = {Cnn: 6, Transformer: 40}
MORE, BATCH, RATE = 2, 64, 3e-3


@dataclass(frozen=True)
class Digits:
    """Pictures of 8 by 8 pixels and what they show, 1,197 to train on and 600 to test with."""

    x: np.ndarray
    y: np.ndarray
    test_x: np.ndarray
    test_y: np.ndarray

    def batches(self, epoch):
        """Yield batches in the order of an epoch, the same for whoever asks."""
        order = np.random.default_rng(epoch).permutation(len(self.x))
        for start in range(0, len(order) - BATCH + 1, BATCH):
            chosen = order[start : start + BATCH]
            yield self.x[chosen], self.y[chosen]

    def accuracy(self, logits):
        return 100 * float(np.mean(logits.argmax(1) == self.test_y))


def load():
    pictures, digits = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(digits))
    x = (pictures[order].reshape(-1, 1, 8, 8) / 8 - 1).astype(np.float32)
    y = digits[order].astype(np.int32)
    return Digits(x[:1197], y[:1197], x[1197:], y[1197:])


def train_torch(net, digits, epochs, rate):
    optimizer = torch.optim.Adam(net.parameters(), lr=rate)
    net.train()
    for epoch in epochs:
        for x, y in digits.batches(epoch):
            loss = torch.nn.functional.cross_entropy(net(torch.tensor(x)), torch.tensor(y).long())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    with torch.no_grad():
        return digits.accuracy(net.eval()(torch.tensor(digits.test_x)).numpy())


def train_mindspore(net, digits, epochs, rate):
    import mindspore as ms
    from mindspore import nn

    ms.set_context(mode=ms.GRAPH_MODE)
    ms.set_seed(0)
    cross_entropy = nn.CrossEntropyLoss()
    optimizer = nn.Adam(net.trainable_params(), learning_rate=rate)

    def loss(x, y):
        return cross_entropy(net(x), y)

    step = ms.value_and_grad(loss, None, optimizer.parameters)
    net.set_train()
    for epoch in epochs:
        for x, y in digits.batches(epoch):
            _, gradients = step(ms.Tensor(x), ms.Tensor(y))
            optimizer(gradients)
    return digits.accuracy(net.set_train(False)(ms.Tensor(digits.test_x)).asnumpy())


def run(kind, digits):
    """Return four accuracies: trained, compiled, trained on in PyTorch, trained on in MindSpore."""
    torch.manual_seed(0)
    net = kind()
    epochs = EPOCHS[kind]
    trained = train_torch(net, digits, range(epochs), RATE)
    example = torch.tensor(digits.test_x[:2])
    cell = onnx2ms.from_torch(net, example, dynamic={"x": {0: "batch"}}, verify="pynative").cell()
    more = range(epochs, epochs + MORE)
    compiled = train_mindspore(cell, digits, range(0), RATE / 10)
    return (
        trained,
        compiled,
        train_torch(net, digits, more, RATE / 10),
        train_mindspore(cell, digits, more, RATE / 10),
    )


if __name__ == "__main__":
    data = load()
    print("network      trained  compiled  on in PyTorch  on in MindSpore")
    for network in EPOCHS:
        row = run(network, data)
        print("{:12} {:6.2f} % {:7.2f} % {:12.2f} % {:14.2f} %".format(network.__name__, *row))
