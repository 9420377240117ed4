"""Servers and processes of a developer's machine: the demo, the tests, the benchmarks. Not used in production."""
