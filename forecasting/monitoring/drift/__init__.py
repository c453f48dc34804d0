"""Drift: statistical tests for a change in the figures or in how good forecasts are."""
