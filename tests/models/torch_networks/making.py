"""Networks with random weights, and what to call them with."""

import torch
from torch import nn

Made = tuple[nn.Module, tuple[torch.Tensor, ...]]


def made(network: nn.Module, *inputs: torch.Tensor) -> Made:
    """Return a network in inference mode with weights and statistics of its own, and its inputs."""
    generator = torch.Generator().manual_seed(7)

    def noise(tensor: torch.Tensor) -> torch.Tensor:
        return torch.randn(tensor.shape, generator=generator)

    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if parameter.ndim > 1:
                fan_in = max(parameter[0].numel(), 1)
                parameter.copy_(noise(parameter) / fan_in**0.5)
            else:
                one = name.endswith(("weight", "gamma"))
                parameter.copy_(float(one) + 0.1 * noise(parameter))
        for name, buffer in network.named_buffers():
            if name.endswith("running_mean"):
                buffer.copy_(0.1 * noise(buffer))
            elif name.endswith("running_var"):
                buffer.copy_(1 + 0.2 * noise(buffer).abs())
    return network.eval(), inputs


def image(size: int = 16, channels: int = 3, batch: int = 2) -> torch.Tensor:
    generator = torch.Generator().manual_seed(3)
    return torch.randn(batch, channels, size, size, generator=generator)


def tokens(length: int = 8, vocabulary: int = 40) -> torch.Tensor:
    return torch.randint(0, vocabulary, (2, length), generator=torch.Generator().manual_seed(3))
