"""The command line: `python -m forecasting COMMAND`, a module a command."""
