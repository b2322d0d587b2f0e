"""Reads a file's metadata about its picture: orientation, colours and crop.

One module per family of formats, each of which parses the bytes itself, without a decoder, so that all formats are
treated in the same way. Unreadable metadata is ignored. Start with `tiff.py`, because EXIF blocks are TIFF files.
"""
