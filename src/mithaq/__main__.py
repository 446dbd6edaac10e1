"""`python -m mithaq`: the same command line."""

from mithaq.cli import main

main()
