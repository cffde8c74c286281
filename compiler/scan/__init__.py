"""Which PyTorch APIs a source uses, and what MindSpore has for each: read, never run."""
