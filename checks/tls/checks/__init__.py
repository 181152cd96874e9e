"""One file a family of faults: each has `CHECKS` and judges facts; found by listing the folder.

`CHECKS: dict[str, CheckText]` says what is known of each check id, and
`judge(facts: EndpointFacts, context: Context) -> Iterator[Fault]` finds its faults.
"""
