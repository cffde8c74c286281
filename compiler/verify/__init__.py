"""Proof that an emitted network computes what the model did, and where it does not."""
