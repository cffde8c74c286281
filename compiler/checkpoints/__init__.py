"""Weights alone: from a checkpoint of PyTorch's to one of MindSpore's, and home again."""
