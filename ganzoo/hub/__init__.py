"""The Hugging Face Hub: client, failures, pulling, publishing, searching."""
