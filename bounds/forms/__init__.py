"""Forms of the bound on the risk, one inequality a file, one result type for all.

Each form of ``FORMS`` takes the training loss of the unquantized model, the losses of the quantized
one on all D training tokens (or their histogram), and ``code_bits``, ``train_tokens``,
``vocab_size``, ``failure_probability``.  It pays for every choice that it makes after seeing data.
"""

from bounds.forms.azuma import chosen_azuma_bound
from bounds.forms.empirical_bernstein import empirical_bernstein_bound
from bounds.forms.four_term import four_term_bound
from bounds.forms.freedman import chosen_freedman_bound
from bounds.forms.geometric import chosen_geometric_bound, geometric_bound_at_entropy
from bounds.forms.measured import measured_smoothing_bound

FORMS = {
    "geometric": chosen_geometric_bound,
    "geometric_at_entropy": geometric_bound_at_entropy,
    "measured_smoothing": measured_smoothing_bound,
    "four_term": four_term_bound,
    "empirical_bernstein": empirical_bernstein_bound,
    "azuma": chosen_azuma_bound,
    "freedman": chosen_freedman_bound,
}
