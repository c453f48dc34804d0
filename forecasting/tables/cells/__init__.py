"""The cells of a table: reading containers, parsing numbers and dates."""
