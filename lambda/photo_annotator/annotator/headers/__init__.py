"""What a file says about its picture beside the pixels: which way is up, which colours, which part of it to show.

One module for each family of formats. All of it is read from the bytes as they are, before and without a decoder, so
that every format is treated alike; what cannot be read says nothing. Start at `tiff.py`, which EXIF is written in.
"""
