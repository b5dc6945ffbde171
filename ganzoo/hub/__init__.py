"""Model packages: the directory that is published to and loaded from the Hugging Face Hub."""
