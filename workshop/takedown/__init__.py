"""The end of the evening: what there is (`footprint.py`), how it is destroyed, what is left, and what it cost."""
