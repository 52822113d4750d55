"""`python -m casepath` is the command `casepath`."""

from casepath.commands import main

main()
