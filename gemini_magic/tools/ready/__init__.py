"""Tools that are ready to be given to a model: they look at data, and change nothing."""
