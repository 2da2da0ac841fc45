"""Models in torch: loading, placing, training and scoring them."""
