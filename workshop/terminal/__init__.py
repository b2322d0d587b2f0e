"""How the commands speak: the two consoles, errors in one sentence, findings, and durations."""
