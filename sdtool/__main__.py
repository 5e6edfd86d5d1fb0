"""`python -m sdtool` is `sd`."""

from sdtool.cli import main

main()
