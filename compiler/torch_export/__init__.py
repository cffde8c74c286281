"""From a torch.nn.Module to an ONNX model that keeps what training needs, and its proof.

Nothing here is imported to convert a model: the command line and `onnx2ms.from_torch` do it late.
"""
