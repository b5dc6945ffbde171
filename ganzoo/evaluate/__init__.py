"""Measuring generators: the compared samples, features and their statistics, metrics, comparisons."""
