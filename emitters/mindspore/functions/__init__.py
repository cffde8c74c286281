"""Functions that are copied into a generated module, a file each; nothing imports them."""
