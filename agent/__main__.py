"""Run as `python -I -m agent`."""

from agent.cli import main

main()
