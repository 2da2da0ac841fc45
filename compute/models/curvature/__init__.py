"""Curvature of the training loss: products, spectra and traces (docs/THEORY.md, section 8).

``products`` multiplies the Hessian or Gauss-Newton matrix of any causal language model with a
vector, ``lanczos`` turns such products into a quadrature of the spectrum, ``xtrace`` into a
trace, ``estimates`` into the rows that are stored, and ``footprint`` computes the memory
and arithmetic in advance.
"""
