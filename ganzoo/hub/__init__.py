"""The Hugging Face Hub: the client, its failures, pulling, publishing and searching."""
