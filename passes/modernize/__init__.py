"""Every operator in the one form of the dialect, whatever opset it was written in."""
