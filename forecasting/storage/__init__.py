"""What outlives the process: the database, stored forecasts and migrations."""
