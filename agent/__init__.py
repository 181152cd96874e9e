"""The runtime: command line, policy, scans and reports."""
