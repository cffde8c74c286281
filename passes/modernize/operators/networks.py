"""Matrix products, pools, recurrent networks, regions of images."""

from ....compiler.ir.graph import attribute
from ...rewrite import set_attribute
from ..form import Form, reads


@reads("Gemm", versions=(1, 6, 7, 9, 11, 13))
def gemm(form: Form) -> None:
    """Gemm; broadcasting had to be asked for."""
    form.take("broadcast", 0)


@reads("LpPool", versions=(1, 2, 11, 18, 22))
@reads("GlobalLpPool", versions=(1, 2, 22))
def lp_pool(form: Form) -> None:
    """LpPool and GlobalLpPool; p was a real number."""
    if form.version < 2:
        power = form.take("p", 2.0)
        if power == int(power):
            set_attribute(form.node, "p", int(power))
        else:  # stays what it is: no integer p means the same
            set_attribute(form.node, "p", power)


@reads("LSTM", versions=(1, 7, 14, 22))
@reads("RNN", versions=(1, 7, 14, 22))
@reads("GRU", versions=(1, 3, 7, 14, 22))
def recurrent(form: Form) -> None:
    """LSTM, GRU and RNN; an attribute said whether the first output is used."""
    form.take("output_sequence", 0)


@reads("RoiAlign", versions=(10, 16, 22))
def roi_align(form: Form) -> None:
    """RoiAlign; before 16 coordinates were not shifted by half a pixel."""
    if form.version < 16:
        form.keep("coordinate_transformation_mode", "output_half_pixel")


@reads("GridSample", versions=(16, 20, 22))
def grid_sample(form: Form) -> None:
    """GridSample; its modes were called as in PyTorch."""
    mode = attribute(form.node, "mode", "bilinear")
    if form.version < 20:
        set_attribute(form.node, "mode", {"bilinear": "linear", "bicubic": "cubic"}.get(mode, mode))


@reads("Attention", versions=(23, 24, 25))
def attention(form: Form) -> None:
    """Attention; since 25 it may see a window of the keys, which the dialect's cannot."""
    for name in ("left_window_size", "right_window_size"):
        if attribute(form.node, name, -1) == -1:
            form.take(name, -1)
