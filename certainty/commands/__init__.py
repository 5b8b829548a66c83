"""The subcommands of `certainty`, a module each: `add_parser` declares one, its `run` carries it out.

Every start of the command imports them all, so what is slow to import they import where they use it.
"""
