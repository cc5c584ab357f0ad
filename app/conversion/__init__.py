"""What people upload, made into the form in which phones show it: voice notes, stickers, GIFs."""
