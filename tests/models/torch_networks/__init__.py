"""Small networks of the families that are exported most, in plain PyTorch, with random weights.

Each function returns a network and its example inputs: `torch_networks:resnet` names one to
`onnx2ms torch` and `onnx2ms verify --against`. No two parameters are equal: an exporter would
make one of them.
"""

from .attention import bert, gpt, llama, vit, window
from .convolutions import convnext, densenet, mobilenet, resnet, speech, unet, volume
from .others import mixer, tagger

NETWORKS = (
    *(resnet, mobilenet, densenet, unet, convnext, vit, bert, gpt, llama, tagger, speech, mixer),
    *(window, volume),
)
