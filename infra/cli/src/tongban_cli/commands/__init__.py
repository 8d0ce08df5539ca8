"""One module a subcommand: `register(subparsers)` adds its parser, `run(args)` does it and returns the exit status."""
