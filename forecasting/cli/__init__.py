"""The command line, `python -m forecasting COMMAND`: `main` has the list of commands, which have a module each."""
