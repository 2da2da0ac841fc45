"""Which models are measured: data files and their loaders."""
