"""Documents: of a folder, of shards, of a dataset on the hub."""
