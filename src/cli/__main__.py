"""`python -m cli`: the command line, for when the script is not on the path."""

from cli.main import main

main()
