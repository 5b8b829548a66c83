"""The subcommands of `certainty`, one module each: `add_parser` declares a subcommand, and `run` executes it.

Every start of `certainty` imports them all, so they import slow modules only where they use them.
"""
