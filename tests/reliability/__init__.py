"""Reliability and security, row by row of the test design: real processes, real files, fixed figures."""
