"""Tensors that stand in other files, and what these files are."""

import os
from pathlib import Path

import onnx
from onnx import TensorProto
from parts import Random, number, on_model, tensors, text


@on_model
def store_outside(rng: Random, model: onnx.ModelProto) -> None:
    """Let a tensor stand in another file; `PLACES` are made beside the model."""
    tensor = rng.choice(tensors(model))
    if not tensor.external_data or rng.random() < 0.5:
        for name in ("raw_data", "float_data", "int64_data", "int32_data", "string_data"):
            tensor.ClearField(name)
        del tensor.external_data[:]
        tensor.data_location = TensorProto.EXTERNAL
        entries: dict[str, object] = {"location": rng.choice((*PLACES, text(rng)))}
        if rng.random() < 0.5:
            entries["offset"] = number(rng)
        if rng.random() < 0.5:
            entries["length"] = number(rng)
        for key, value in entries.items():
            tensor.external_data.add(key=key, value=str(value))
    else:
        rng.choice(tensor.external_data).value = rng.choice((*PLACES, text(rng), str(number(rng))))


PLACES = (
    *("/etc/passwd", "../secret.bin", "../../../../etc/passwd", "/dev/zero", "/dev/random"),
    *("device", "pipe", "link", "loop", "folder", "missing.bin", "empty.bin", "huge.bin"),
    *("net.onnx", ".", "", "/proc/self/mem", "file:///etc/passwd", "weights.bin\0.txt", "a" * 5000),
)


def surround(folder: Path, files: dict[str, bytes]) -> None:
    """Make the files beside a model that `PLACES` name; `secret.bin` lies above its folder."""
    (folder.parent / "secret.bin").write_bytes(b"secret" * 1000)
    (folder / "device").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe")
    (folder / "link").symlink_to("../secret.bin")
    (folder / "loop").symlink_to("loop")
    (folder / "folder").mkdir()
    (folder / "empty.bin").write_bytes(b"")
    with (folder / "huge.bin").open("wb") as file:
        file.truncate(2**40)  # of no blocks
    for name, content in files.items():
        (folder / name).write_bytes(content)
