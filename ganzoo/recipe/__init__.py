"""What is trained and how: settings, the layers that they come in, checks, and the frozen recipe."""
