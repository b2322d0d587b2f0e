"""A file on this computer becomes a photo in the raw bucket, and is found there again. Read `uploads.py` first."""
