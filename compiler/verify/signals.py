"""Made-up pictures, sounds and numbers that are not degenerate."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def picture(shape: tuple[int, ...], rng: np.random.Generator, *, channels: int) -> Floats:
    """Return a picture: a smooth gradient, some ellipses and a little noise.

    Args:
        shape: Four dimensions.
        rng: Source of chance.
        channels: Axis of the colours, 1 or 3.

    Returns:
        Values around 0 to 1; the noise leads a little beyond.
    """
    batch, colours = shape[0], shape[channels]
    height, width = shape[2:] if channels == 1 else shape[1:3]
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    image = np.empty((batch, colours, height, width))
    for sample in image:
        slopes = rng.uniform(-0.4, 0.4, (2, colours, 1, 1))
        sample[...] = 0.5 + slopes[0] * (y - 0.5) + slopes[1] * (x - 0.5)
        for _ in range(8):
            (top, left), (high, wide) = rng.uniform(0, 1, 2), rng.uniform(0.05, 0.35, 2)
            inside = ((y - top) / high) ** 2 + ((x - left) / wide) ** 2 < 1
            sample[:, inside] = rng.uniform(0, 1, (colours, 1))
    image += 0.02 * rng.standard_normal(image.shape)
    return image if channels == 1 else image.transpose(0, 2, 3, 1)


def sound(shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
    """Return tones with a few harmonics along the longest axis, and a little noise.

    Args:
        shape: Any; every other axis has a tone of its own.
        rng: Source of chance.
    """
    axis = int(np.argmax(shape))
    rows = [n for i, n in enumerate(shape) if i != axis]
    time = np.arange(shape[axis]) / 16000.0
    pitch = rng.uniform(90, 260, (*rows, 1))
    wave = np.zeros((*rows, shape[axis]))
    for harmonic in range(1, 9):
        phase = rng.uniform(0, 2 * np.pi, (*rows, 1))
        wave += 0.35 / harmonic * np.sin(2 * np.pi * pitch * harmonic * time + phase)
    wave *= 0.6 + 0.4 * np.sin(2 * np.pi * 4 * time)
    return np.moveaxis(wave, -1, axis) + 0.05 * rng.standard_normal(shape)
