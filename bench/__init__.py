"""Measurements: a generator of desks, a reference program, and what compares `sd` with it."""
