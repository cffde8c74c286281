"""`build_model`, the same in every generated module, and `dynamic_inputs`."""

from collections.abc import Sequence

import onnx_ir as ir

from .dtypes import mindspore_dtype

LOADER = '''
def build_model(checkpoint: str | Path | None = WEIGHTS) -> nn.Cell:
    """Build the network in inference mode and load its weights; None leaves them initialized."""
    net = ROOT_CLASS()
    if checkpoint is not None:
        weights = ms.load_checkpoint(str(checkpoint)FORMAT)
        found = {name: weight.shape for name, weight in weights.items()}
        own = {name: weight.shape for name, weight in net.parameters_dict().items()}
        wrong = [
            f"{name} is {found.get(name, 'missing')}, not {own.get(name, 'of the network')}"
            for name in {**own, **found}
            if own.get(name) != found.get(name)
        ]
        if wrong:
            raise ValueError(f"{checkpoint} does not fit ROOT_CLASS: {'; '.join(wrong)}")
        ms.load_param_into_net(net, weights, strict_load=True)
    return net.set_train(False)
'''


WITHOUT_WEIGHTS = '''
def build_model(checkpoint: str | Path | None = WEIGHTS) -> nn.Cell:
    """Build the network in inference mode; it has no weights to load."""
    return ROOT_CLASS().set_train(False)
'''


def loader(root_class: str, weights_file: str, *, weights: bool) -> list[str]:
    """Return the lines of `build_model`.

    MindSpore 2.10 reads a safetensors file only if its format is said, and no empty one at all.
    """
    if not weights:
        return WITHOUT_WEIGHTS.replace("ROOT_CLASS", root_class).strip("\n").split("\n")
    extra = ', format="safetensors"' if weights_file.endswith(".safetensors") else ""
    text = LOADER.replace("FORMAT", extra).replace("ROOT_CLASS", root_class)
    return text.strip("\n").split("\n")


DYNAMIC = '''
def dynamic_inputs() -> tuple[ms.Tensor, ...]:
    """Shapes for GRAPH mode: `net.set_inputs(*dynamic_inputs())` compiles once for all sizes."""
    return INPUTS
'''


def dynamic_inputs(inputs: Sequence[ir.Value]) -> list[str]:
    """Return the lines of `dynamic_inputs`; none where every dimension is a number."""
    texts: list[str] = []
    for value in inputs:
        dims = ["None" if not isinstance(dim, int) else str(dim) for dim in value.shape or ()]
        dtype = mindspore_dtype(value.dtype or ir.DataType.FLOAT)
        texts.append(f"ms.Tensor(shape=[{', '.join(dims)}], dtype={dtype})")
    if not any("None" in text for text in texts):
        return []
    several = "".join(f"\n        {text}," for text in texts)
    text = DYNAMIC.replace("INPUTS", f"({texts[0]},)" if len(texts) == 1 else f"({several}\n    )")
    return ["", "", *text.strip("\n").split("\n")]
