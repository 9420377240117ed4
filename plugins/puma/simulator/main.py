"""A PUMA of our own, to rehearse with: `python main.py --help`."""

import sys

from puma_simulator.cli import main

if __name__ == "__main__":
    sys.exit(main())
