"""Lanczos quadratures and traces of matrices whose spectra are known."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bounds.curvature.spectrum import mean_and_error, negative_part, positive_root, trace_of
from compute.models.curvature.lanczos import BasisPlace, lanczos
from compute.models.curvature.probe import Signs, rademacher
from compute.models.curvature.xtrace import xtrace

CPU = BasisPlace("cpu")
CPU64 = BasisPlace("cpu", torch.float64)


def symmetric(eigenvalues: np.ndarray, seed: int = 0) -> torch.Tensor:
    """A matrix with these eigenvalues and random eigenvectors, float64."""
    random = torch.Generator().manual_seed(seed)
    n = len(eigenvalues)
    q, _ = torch.linalg.qr(torch.randn(n, n, generator=random, dtype=torch.float64))
    a = q @ torch.diag(torch.from_numpy(eigenvalues)) @ q.T
    return (a + a.T) / 2


@given(st.integers(0, 10_000), st.integers(2, 12))
def test_weights_are_a_distribution_and_low_moments_are_exact(seed, steps):
    rng = np.random.default_rng(seed)
    a = symmetric(rng.normal(size=30) * 10.0 ** rng.uniform(-3, 3), seed)
    v = rademacher(30, seed, 0).double()
    nodes, weights = lanczos(lambda x: a @ x, v, steps, CPU64).gauss()
    assert (weights >= 0).all()
    assert weights.sum() == pytest.approx(1.0, abs=1e-12)
    unit, image = v / v.norm(), v / v.norm()
    for degree in range(2 * steps):
        wanted = torch.dot(unit, image).item()
        scale = a.abs().sum(dim=1).max().item() ** degree
        assert weights @ nodes**degree == pytest.approx(wanted, abs=1e-9 * scale)
        image = a @ image


def test_all_steps_find_every_eigenvalue_once():
    eigenvalues = np.array([-3.0, -1.0, 0.0, 0.5, 2.0, 100.0])
    a = symmetric(eigenvalues)
    nodes, _ = lanczos(lambda x: a @ x, torch.ones(6).double(), 6, CPU64).gauss()
    np.testing.assert_allclose(nodes, eigenvalues, atol=1e-11)


def test_no_eigenvalue_comes_twice_in_single_precision():
    """Without reorthogonalisation the large ones would return as ghosts."""
    eigenvalues = np.concatenate([[1000.0, 500.0, 100.0], np.linspace(0.0, 1.0, 197)])
    a = symmetric(eigenvalues).float()
    nodes, _ = lanczos(lambda x: a @ x, rademacher(200, 0, 0), 60, CPU).gauss()
    assert ((nodes > 50).sum(), nodes.max()) == (3, pytest.approx(1000.0, rel=1e-5))


def test_a_short_basis_loses_little():
    eigenvalues = np.concatenate([[1000.0, 500.0, 100.0], np.linspace(0.0, 1.0, 197)])
    a, v = symmetric(eigenvalues).float(), rademacher(200, 0, 0)
    roots = [
        trace_of(positive_root, *lanczos(lambda x: a @ x, v, 30, place).gauss(), 200)
        for place in (CPU, BasisPlace("cpu", torch.bfloat16))
    ]
    assert roots[1] == pytest.approx(roots[0], rel=0.05)


def test_an_invariant_subspace_ends_the_run():
    a = symmetric(np.array([1.0, 1.0, 5.0, 5.0, 5.0, 9.0]))
    found = lanczos(lambda x: a @ x, rademacher(6, 1, 0).double(), 6, CPU64)
    assert found.steps == 3
    np.testing.assert_allclose(found.gauss()[0], [1.0, 5.0, 9.0], atol=1e-10)
    roots = [trace_of(positive_root, *rule(), 6) for rule in (found.gauss, found.radau)]
    assert roots[0] == pytest.approx(roots[1], rel=1e-9)


def test_a_matrix_of_zeros_has_a_trace_of_zero():
    def nothing(x):
        return torch.zeros_like(x)

    run = lanczos(nothing, rademacher(20, 0, 0), 10, CPU)
    assert [trace_of(positive_root, *rule(5), 20) for rule in (run.gauss, run.radau)] == [0.0, 0.0]
    found = xtrace(nothing, Signs(20, 1, 4), "cpu")
    assert (found.estimates() == 0).all()
    assert found.standard_error() == 0


def test_xtrace_is_exact_for_fewer_directions_than_tests():
    a = symmetric(np.append([5.0, -1.0, 2.0], np.zeros(27))).float()
    found = xtrace(lambda x: a @ x, Signs(30, 0, 5), "cpu")
    np.testing.assert_allclose(found.estimates(), 6.0, atol=1e-4)
    assert found.standard_error() == 0


def test_directions_near_rounding_are_not_taken_for_the_end():
    """Half of the bulk a millionth of the largest eigenvalue, half 0, in single precision."""
    outliers = np.geomspace(1.0, 100.0, 10)
    basis, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(2000, 10)))
    low = torch.from_numpy(basis).float()
    diagonal = torch.from_numpy(np.repeat([1e-4, 0.0], 1000)).float()
    weights = torch.from_numpy(outliers).float()

    def product(x):
        return low @ (weights * (low.T @ x)) + diagonal * x

    runs = [lanczos(product, rademacher(2000, 3, i), 30, CPU) for i in range(6)]
    mean, error = mean_and_error(
        np.array([trace_of(positive_root, *run.radau(), 2000) for run in runs])
    )
    matrix = low.double() @ torch.diag(weights.double()) @ low.double().T
    eigenvalues = torch.linalg.eigvalsh(matrix + torch.diag(diagonal.double()))
    exact = positive_root(eigenvalues.numpy()).sum()
    assert mean < exact + 2 * error  # eigenvalues that are not resolved count as 0


def test_fewer_steps_can_be_read_off_a_longer_run():
    a = symmetric(np.linspace(-1.0, 4.0, 40))
    v = rademacher(40, 3, 0).double()
    long, short = (lanczos(lambda x: a @ x, v, m, CPU64) for m in (12, 5))
    np.testing.assert_allclose(long.gauss(5), short.gauss(), atol=1e-12)


def test_traces_lie_within_two_standard_errors():
    """Tr, Tr of the root and of the negative part of a spectrum like a Hessian's."""
    eigenvalues = np.concatenate(
        [20.0 * np.arange(1, 100) ** -1.5, -0.02 * np.ones(20), np.zeros(81)]
    )
    a = symmetric(eigenvalues)
    runs = [lanczos(lambda x: a @ x, rademacher(200, 7, i).double(), 30, CPU64) for i in range(12)]
    for function in (lambda x: x, positive_root, negative_part):
        estimates = [trace_of(function, *run.gauss(), 200) for run in runs]
        mean, error = mean_and_error(np.array(estimates))
        assert abs(mean - function(eigenvalues).sum()) < 2 * error
    assert runs[0].diagonal[0] * 200 == pytest.approx(estimate_of_trace(runs[0]))


def estimate_of_trace(run) -> float:
    return trace_of(lambda x: x, *run.gauss(), 200)


def test_signs_are_the_same_for_one_seed_and_differ_else():
    assert rademacher(1000, 1, 2).equal(rademacher(1000, 1, 2))
    assert set(rademacher(1000, 1, 2).tolist()) == {-1.0, 1.0}
    agreement = [
        torch.dot(rademacher(1000, 1, 2), rademacher(1000, *other)) for other in ((1, 3), (2, 2))
    ]
    assert max(map(abs, agreement)) < 150


def test_xtrace_is_unbiased_and_its_error_is_right():
    eigenvalues = 10.0 * np.arange(1, 101) ** -1.0
    a = symmetric(eigenvalues)
    means, errors = [], []
    for seed in range(200):
        tests = torch.stack([rademacher(100, seed, i).double() for i in range(8)], dim=1)
        found = xtrace(lambda x: a @ x, tests.T, "cpu")
        means.append(found.estimates().mean())
        errors.append(found.standard_error())
    centre, spread = mean_and_error(np.array(means))
    assert abs(centre - eigenvalues.sum()) < 3 * spread
    # Rather too large than too small.
    assert 0.9 < np.median(errors) / np.std(means) < 1.7


def test_xtrace_is_each_left_out_estimate():
    """The definition, estimate by estimate: project on the other products, sample the rest."""
    a = symmetric(np.array([9.0, 4.0, 1.0, 0.5, *np.zeros(8), -2.0]))
    n, k = len(a), 4
    tests = torch.stack([rademacher(n, 0, i).double() for i in range(k)], dim=1)
    found = xtrace(lambda x: a @ x, tests.T, "cpu").estimates()
    for i in range(k):
        others = [j for j in range(k) if j != i]
        q, _ = torch.linalg.qr(a @ tests[:, others])
        rest = tests[:, i] - q @ (q.T @ tests[:, i])
        assert found[i] == pytest.approx((torch.trace(q.T @ a @ q) + rest @ a @ rest).item())


def test_xtrace_without_a_vector_is_xtrace_of_the_others():
    a = symmetric(np.arange(1, 31) ** -1.0)
    tests = torch.stack([rademacher(30, 0, i).double() for i in range(5)], dim=1)
    whole = xtrace(lambda x: a @ x, tests.T, "cpu")
    for j in range(5):
        others = xtrace(lambda x: a @ x, tests.T[[i for i in range(5) if i != j]], "cpu")
        np.testing.assert_allclose(whole.without(j).estimates(), others.estimates(), rtol=1e-9)
    with pytest.raises(ValueError, match="at least 3 test vectors"):
        xtrace(lambda x: a @ x, tests.T[:2], "cpu").standard_error()


def test_xtrace_beats_hutchinson_where_the_spectrum_decays():
    eigenvalues = 0.5 ** np.arange(60)
    a = symmetric(eigenvalues)
    tests = torch.stack([rademacher(60, 0, i).double() for i in range(8)], dim=1)
    better = abs(xtrace(lambda x: a @ x, tests.T, "cpu").estimates().mean() - eigenvalues.sum())
    signs = [rademacher(60, 0, i).double() for i in range(16)]  # as many products
    hutchinson = abs(np.mean([(v @ a @ v).item() for v in signs]) - eigenvalues.sum())
    assert better < hutchinson / 5


@pytest.mark.parametrize("k", [1, 51])
def test_xtrace_refuses_a_number_of_tests(k):
    with pytest.raises(ValueError, match="XTrace needs from 2"):
        xtrace(lambda x: x, torch.ones(k, 100), "cpu")


def test_lanczos_refuses_no_steps():
    with pytest.raises(ValueError, match="at least one step"):
        lanczos(lambda x: x, torch.ones(3), 0, CPU)


@given(st.integers(0, 10_000), st.integers(2, 14))
def test_radau_has_a_node_at_0_and_low_moments_are_exact(seed, steps):
    rng = np.random.default_rng(seed)
    a = symmetric(rng.normal(size=30), seed)
    v = rademacher(30, seed, 0).double()
    run = lanczos(lambda x: a @ x, v, steps, CPU64)
    nodes, weights = run.radau()
    assert np.abs(nodes).min() < 1e-10
    assert (weights >= 0).all()
    gauss_nodes, gauss_weights = run.gauss()
    for degree in range(2 * steps - 1):
        scale = max(np.abs(nodes).max(), np.abs(gauss_nodes).max()) ** degree
        wanted = gauss_weights @ gauss_nodes**degree
        assert weights @ nodes**degree == pytest.approx(wanted, abs=1e-9 * scale)


@given(st.integers(0, 10_000), st.floats(0.5, 4.0), st.integers(0, 60))
def test_radau_and_gauss_enclose_the_root_of_a_positive_matrix(seed, decay, zeros):
    eigenvalues = np.append(np.arange(1, 61) ** -decay, np.zeros(zeros))
    a = symmetric(eigenvalues, seed)
    vectors = torch.linalg.eigh(a)
    v = rademacher(len(a), seed, 0).double()
    exact = ((vectors[1].T @ v) ** 2 / len(a)).numpy() @ positive_root(vectors[0].numpy())
    run = lanczos(lambda x: a @ x, v, 20, CPU64)
    slack = 1e-7 * exact
    for steps in (5, 10, 20):
        low, high = (trace_of(positive_root, *rule(steps), 1) for rule in (run.radau, run.gauss))
        assert low <= exact + slack
        assert high >= exact - slack
