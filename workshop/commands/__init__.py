"""One module per command. Its docstring's first line is the command's line in `--help`; `command` is the command."""
