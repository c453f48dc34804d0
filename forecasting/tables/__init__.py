"""Any table that a person brings, read into a Panel."""
