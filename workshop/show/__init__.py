"""What people look at: the gallery page, the table of faces, and a link with its QR code."""
