"""What metrics share: the samples that they compare, and the question that a value is the answer to."""
