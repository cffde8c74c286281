"""Sizes as expressions of the inputs' dimensions: of every value its shape, of small ones all."""
