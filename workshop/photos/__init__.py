"""From a file on this computer to a photo in the raw bucket, and back to its key. Read `uploads.py` first."""
