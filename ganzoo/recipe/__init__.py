"""Recipes: settings, the layers that they come from, checks, and frozen recipes."""
