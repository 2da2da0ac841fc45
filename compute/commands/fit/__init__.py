"""``compute fit``: the law through the losses of training runs."""
