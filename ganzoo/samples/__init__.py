"""Showing and writing samples: grids of images, pictures, text."""
