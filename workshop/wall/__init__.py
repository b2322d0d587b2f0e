"""The wall on the organiser's laptop: what guests sent, approved at the desk, shown by the projector.

Read `board.py` first: it looks into S3 every second and knows every photo and its decision. `server.py` serves the two
pages on 127.0.0.1 and pushes each change to them. `door.py` opens and closes the door.
"""
