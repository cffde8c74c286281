"""Shapes, and what follows from them: constants, dead nodes."""
