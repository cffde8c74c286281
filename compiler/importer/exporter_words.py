"""What PyTorch's exporters do to weights, as the weight map says it."""

FOLDED = "BatchNorm folded in by the exporter"
TRANSPOSED = "transposed by the exporter"
RESHAPED = "reshaped by the exporter"
COMPUTED = "computed by the exporter from others"
UNUSED = "the exported network does not use it"
