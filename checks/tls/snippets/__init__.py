"""One file a server: how it is told what mends a fault; found by listing the folder.

`NAME` is the server's, as in `checks/tls/servers`; `UNITS` what the names of its systemd units have
in them, the likely one first; `RELOAD` the commands that test its configuration and load it, with
`{unit}` for the unit; `ASSIGNED` how it sets `{name}` to `{value}`; `SPELLINGS: Mapping[Kind,
Spelling]` has what else can be told to it. Lines that begin with # are comments in all of them.
"""
