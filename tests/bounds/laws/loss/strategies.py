"""Laws for properties."""

from hypothesis import strategies as st

from bounds import LossLaw

#: Laws whose terms are 0.1 to 0.8 nats at N = 1e9 and at D = 3e10.
laws = st.builds(
    lambda e, alpha, beta, model, data: LossLaw(
        e, model * 1e9**alpha, data * 3e10**beta, alpha, beta
    ),
    e=st.floats(0.5, 3),
    alpha=st.floats(0.2, 0.6),
    beta=st.floats(0.2, 0.6),
    model=st.floats(0.1, 0.8),
    data=st.floats(0.1, 0.8),
)
