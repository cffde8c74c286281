"""Graph passes: an ONNX graph goes in, an ONNX graph that computes the same comes out."""
