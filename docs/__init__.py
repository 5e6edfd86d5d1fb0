"""The documentation, and the two programs that keep it true: `generate` and `replay`."""
