"""From a model to a short code of it: calibration, quantizers, layer statistics, codes."""
