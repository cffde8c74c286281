"""Emitters: a lowered graph goes in, source and weights of a target framework come out."""
