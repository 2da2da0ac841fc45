"""Token windows of a model's own training stream, read by ranges from shards far away."""
