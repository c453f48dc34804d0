"""Scores, backtests and stress tests of forecasts."""
