"""The pure half of hygiene-agent: bytes and facts in, findings and outcomes out.

The door for others: `catalog` (formats and rules), `scan` (one file of a disk), `inspect` (one
text), `model` (the words), `policy`, `suppress`, `redact`, `errors`, `files` (walk a tree).
"""
