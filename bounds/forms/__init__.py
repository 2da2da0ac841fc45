"""Forms of the bound on the risk, one inequality a file, one result type for all.

Each takes the losses of the quantized model on all D training tokens (or their histogram) and a
code length, and returns a ``RiskBound``.
"""
