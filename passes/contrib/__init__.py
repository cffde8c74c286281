"""Operators of onnxruntime's domain com.microsoft, written in the dialect."""
