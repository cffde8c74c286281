"""What a network does in training only is kept, or the report names the modules that do it."""

from typing import Any

import numpy as np
import pytest

from onnx2ms import from_torch

torch = pytest.importorskip("torch", reason="networks are written in PyTorch")
nn, functional = torch.nn, torch.nn.functional


class DropPath(nn.Module):
    """As timm and transformers have it."""

    def __init__(self, drop_prob):
        super().__init__()
        self.drop_prob = drop_prob

    def forward(self, x):
        if self.drop_prob == 0.0 or not self.training:
            return x
        kept = x.new_empty((x.shape[0],) + (1,) * (x.ndim - 1)).bernoulli_(1 - self.drop_prob)
        return x * kept / (1 - self.drop_prob)


class StochasticDepth(nn.Module):
    """As torchvision has it, for whole batches."""

    def __init__(self):
        super().__init__()
        self.p, self.mode = 0.5, "batch"

    def forward(self, x):
        return x * 2 * torch.rand(1).round() if self.training else x


class Path(nn.Module):
    def __init__(self, path):
        super().__init__()
        self.path = path

    def forward(self, x):
        return x + self.path(x)


class Attention(nn.Module):
    def __init__(self, p):
        super().__init__()
        self.p = p
        self.qkv = nn.Linear(8, 24)

    def forward(self, x):
        q, k, v = self.qkv(x)[:, None].chunk(3, -1)
        p = self.p if self.training else 0.0
        return functional.scaled_dot_product_attention(q, k, v, dropout_p=p)[:, 0]


class Norm(nn.BatchNorm1d):
    """As timm has it: its own code reads the mode."""

    def forward(self, x):
        mean = x.mean((0, 2)) if self.training else self.running_mean
        if self.training:
            self.running_mean.copy_(mean)
        return super().forward(x)


class Counting(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x):
        if self.training:
            self.calls += 1
        return x


class Noise(nn.Module):
    def forward(self, x):
        return x + torch.randn_like(x) if self.training else x


class Layers(nn.Module):
    """Skips layers in training, as encoders of transformers do."""

    def __init__(self, layerdrop):
        super().__init__()
        self.layers, self.layerdrop = nn.ModuleList([nn.Linear(8, 8), nn.Linear(8, 8)]), layerdrop

    def forward(self, x):
        for layer in self.layers:
            if not self.training or torch.rand([]) >= self.layerdrop:
                x = layer(x)
        return x


class Several(nn.Module):
    """Returns more in training, as a network with auxiliary heads does."""

    def __init__(self, *parts):
        super().__init__()
        self.parts = nn.Sequential(*parts)
        self.more = any(isinstance(part, Noise) for part in parts)

    def forward(self, x):
        x = self.parts(x)
        return (x, x) if self.training and self.more else x


def convert(module: Any, exporter: Any = "legacy", example: Any = None, **options: Any):
    modes = [part.training for part in module.modules()]
    given = torch.randn(2, 5, 8) if example is None else example
    conversion = from_torch(module, given, exporter=exporter, verify="none", **options)
    assert [part.training for part in module.modules()] == modes
    assert not any("forward" in vars(part) for part in module.modules())
    network: Any = conversion.report["network"]
    return conversion, network["notes"]


@pytest.mark.parametrize("exporter", ["legacy", "dynamo"])
@pytest.mark.parametrize("dynamic", [{}, {"x": {0: "batch"}}], ids=["fixed", "open"])
def test_paths_are_dropped_sample_by_sample(exporter, dynamic):
    ms: Any = pytest.importorskip("mindspore", reason="MindSpore builds the network")
    x = torch.rand(64, 3, 4) + 1
    conversion, notes = convert(Path(DropPath(0.5)), exporter, x, dynamic=dynamic)
    assert notes == []
    ms.set_context(mode=ms.PYNATIVE_MODE)
    ms.set_seed(0)
    net: Any = conversion.cell()
    own = x.numpy()
    np.testing.assert_array_equal(net(ms.Tensor(own)).asnumpy(), 2 * own)
    times = net.set_train()(ms.Tensor(own)).asnumpy() / own
    assert np.ptp(times, axis=(1, 2)).max() < 1e-6
    dropped = np.isclose(times[:, 0, 0], 1)
    assert np.isclose(times[:, 0, 0], np.where(dropped, 1, 3)).all()
    assert 16 < dropped.sum() < 48


def test_a_whole_batch_is_dropped():
    conversion, notes = convert(Path(StochasticDepth()), example=torch.rand(6, 3, 4))
    assert notes == []
    assert "nn.Dropout(p=0.5)" in conversion.source
    assert "1.0" in conversion.source
    assert "(6, 1, 1)" not in conversion.source


@pytest.mark.parametrize("exporter", ["legacy", "dynamo"])
def test_attention_drops_what_it_is_told_in_training(exporter):
    conversion, notes = convert(nn.Sequential(Attention(0.1), Attention(0.0)), exporter)
    assert notes == []
    assert conversion.source.count("nn.Dropout(p=0.1)") == 1


def test_modules_that_do_more_in_training_are_named():
    norm, counting = Norm(5), Counting()
    parts = (Attention(0.1), Noise(), Noise(), Layers(0.5), Layers(0.0), norm, counting)
    conversion, notes = convert(Several(*parts))
    assert not norm.running_mean.any()
    assert counting.calls == 0
    told = "not in MindSpore, what it does in training only"
    assert notes == [
        f"{told}: the network (Several)",
        f"{told}: parts.1 (Noise) and 1 more",
        f"{told}: parts.3 (Layers)",
    ]
    assert "nn.Dropout(p=0.1)" in conversion.source


def test_for_inference_nothing_of_it_is_said():
    conversion, notes = convert(Several(Attention(0.1), Noise()), trainable=False)
    assert notes == []
    assert "Dropout" not in conversion.source
