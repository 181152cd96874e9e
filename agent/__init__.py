"""The runtime: command line, policy, scans and reports."""

__version__ = "0.1.0"
