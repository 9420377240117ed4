"""`python -m skarbnik.cli`."""

from skarbnik.cli import main

main()
