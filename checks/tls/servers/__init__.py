"""One file a server: its configuration files to the TLS set-up of each virtual host.

`NAME` is the server's and its file's; `MAIN` lists where its main file may lie, below the root;
`sites(tree: Tree, main: str) -> Iterator[Site]` reads it with everything it includes. Only
errors of `checks/errors.py` are raised; what cannot be read is left out and told as `Site.unseen`.
"""
