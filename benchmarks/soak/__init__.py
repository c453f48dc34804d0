"""Soak and fault-injection tests of the running server: many visitors, random kills, failing dependencies."""
