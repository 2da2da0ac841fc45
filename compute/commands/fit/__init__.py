"""``compute fit``: the law that the losses of training runs follow."""
