"""What a person looks at: grids of samples."""
