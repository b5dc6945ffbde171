"""How samples are shown and written: grids of images, pictures, text."""
