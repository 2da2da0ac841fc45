"""Files of models into the hub's cache, out of it again, and whether they are whole."""
