"""Options and specs of the datasets: a light module for each family, beside the heavy one that opens it."""
