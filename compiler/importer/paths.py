"""Dotted paths of modules, as names in a model file give them: data that may be anything."""

MAX_PARTS = 50
MAX_LENGTH = 500


def is_path(path: str) -> bool:
    """Tell whether text can be the path of a module: `layer1.0.conv1`.

    The bounds keep a made-up name from becoming a tree of thousands of modules.
    """
    parts = path.split(".")
    return len(path) <= MAX_LENGTH and len(parts) <= MAX_PARTS and all(map(_is_part, parts))


def _is_part(part: str) -> bool:
    return bool(part) and part.isprintable() and not part.isspace()


def parents(path: str) -> list[str]:
    """Return the paths above a path, the root '' first."""
    parts = path.split(".")
    return [".".join(parts[:depth]) for depth in range(len(parts))]
