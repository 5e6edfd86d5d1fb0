"""Guards: what must hold for the whole tree, whoever changes it."""
