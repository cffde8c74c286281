"""What MindSpore lacks or gets wrong, written with what it has."""
