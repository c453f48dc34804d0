"""Forecasts and tables as files: CSV, Parquet, XLSX and the hubs' format."""
