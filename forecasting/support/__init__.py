"""Errors, settings, caching and the process itself; used by everything, imports nothing of the rest."""
