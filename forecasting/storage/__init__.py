"""Persistent storage: the database, the store of finished forecasts, and migrations of the tables."""
