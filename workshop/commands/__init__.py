"""One module per command, named like it; its `command` is the click command. `cli.py` lists them all."""
