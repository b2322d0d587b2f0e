"""The door of the wall: a guest's page, the guest's photo in, the guest's result out, and everything removed again.

Read `handler.py` first. `door.py` decides whether the door is open, `guests.py` knows names and who may be shown,
`cloud.py` is the only module that calls AWS. From the annotator's package come only modules of the standard library:
the layout of the keys, the result document, the words for a face.
"""
