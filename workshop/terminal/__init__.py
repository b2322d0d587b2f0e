"""What the commands print and parse: the two consoles, errors as sentences, findings, durations."""
