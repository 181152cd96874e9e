"""Formats: one module a family, each from text to entries with key path and line.

A format module is found by listing this folder. It offers:

    NAMES: tuple[str, ...]    globs on the lower-cased path's tail ("*.ini", "etc/fstab", ".netrc");
                              a glob without "/" matches the file name, one with "/" matches the
                              last components of the path
    ALWAYS: tuple[str, ...]   optional: those of NAMES whose files carry secrets without any
                              key word and so are parsed even when no pattern fires
    GENERIC: bool             optional, True: a format of many programs, whose files are parsed
                              only where a credential word stands; a small file of any other
                              format, a dialect with words of its own, is parsed always
    CODE: bool                optional, True: a programming language; only hit lines are read
    def sniff(head: str) -> bool
                              optional: recognises the format by its first 4096 characters when no
                              glob of any format matched
    def parse(text: str) -> Iterator[Entry]
                              raises FormatError when the text is not of this format; entries
                              yielded before that are kept and the rest is read in line mode

parse is linear in the text, keeps no state outside the call and needs no more memory than a small
multiple of the text. A value is given decoded (escapes, quotes removed), a key as written.
"""
