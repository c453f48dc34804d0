"""`python -m forecasting COMMAND`."""

import signal
import sys


def _run() -> int:
    """Run the command line; Ctrl-C while it is still being imported ends it without a traceback, too."""
    try:
        from forecasting.cli.main import main

        return main()
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


if __name__ == "__main__":
    sys.exit(_run())
