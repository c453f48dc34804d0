"""The nouns that flow through the program: Panel, Series, Forecast, Pool, vintages and frequencies."""
