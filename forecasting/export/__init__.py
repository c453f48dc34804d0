"""Write tables as files: CSV, Parquet, XLSX and the forecast hubs' format."""

from forecasting.export.file_formats import cleaned_series_table, read_exported_csv, to_csv, to_parquet, to_xlsx
from forecasting.export.hub_format import to_hub_table

__all__ = ["cleaned_series_table", "read_exported_csv", "to_csv", "to_hub_table", "to_parquet", "to_xlsx"]
