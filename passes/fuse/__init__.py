"""Decompositions raised to the operator that says the same."""
