"""Code lengths of models: the complexity term, and information by prequential coding."""
