"""The latents of a trained model: moving between them, directions among them, and the latents of given images."""
