"""The length that a requential student pays for what it took from the data (section 10).

A *teacher* is trained on the D real tokens x.  A *student* never sees them: at step t a batch of
windows X_t is drawn from the teacher, and the student takes one optimizer step on X_t.  So the
student is Phi(X), a fixed function of X = (X_1, ..., X_S) and of weights fixed beforehand.  Let

    Q_t = distribution of X_t by the teacher, given the real data and X_1 ... X_(t-1),
    P_t = distribution of X_t by the student itself, given X_1 ... X_(t-1) alone,
    I   = sum over t of log2 [ Q_t(X_t) / P_t(X_t) ],  which is observed exactly.

With probability at least 1 - delta over the real data and the draws,

    ln M(Phi(X))  <=  I*ln 2 + ln(1/delta)                                              (*)

for M(h), any process with E[M(h)] <= 1 for each fixed h.  In forms (1) and (3) it is the product
over the D tokens of Z_k / E[Z_k|F_(k-1)] for the losses of h.  So I takes the place of L(h).

Proof.  Fix x.  Phi(x) is then one fixed model, which has never seen the data, so E_data[M(Phi(x))]
<= 1.  P = prod P_t is a distribution over the trajectories x that knows no real data, so by
Fubini E_data E_(X~P)[M(Phi(X))] <= 1.  For given data the X that is drawn has the distribution
Q = prod Q_t.  The sum over trajectories with Q > 0 is at most the sum over all:

    E_data E_(X~Q)[ M(Phi(X)) * P(X)/Q(X) ]  <=  E_data E_(X~P)[ M(Phi(X)) ]  <=  1,

and by Markov's inequality M(Phi(X)) * P(X)/Q(X) <= 1/delta with probability >= 1 - delta.  QED
(disintegrated PAC-Bayes: Catoni 2007; Rivasplata et al. 2020; Viallard et al. 2021).

What the proof needs, and a measurement must guarantee:

*  Phi, P_t, the number of steps and the shapes of batches look at no real data, nor at the teacher
   or at I, and are fixed before the real data is looked at: initial weights, optimizer, schedule,
   averaging.  First tokens of windows are fixed, or functions of X_1 ... X_(t-1).
*  A choice that was made after a look at the data costs log2(m) bits.  Every run that might have
   been reported counts towards m, whether it differs in the student, the teacher or the draws.
*  P_t is taken before the student's step on X_t.  Any arithmetic will do that gives each token a
   normalized distribution from earlier tokens of its window and X_1 ... X_(t-1).
*  X_t is drawn from Q_t itself, and Q_t(X_t) is what the sampler drew with.  Its uniform numbers
   are independent of the data, of the initial weights and of each other: one generator for the
   whole run, whose seed serves no other choice of that run (pseudo-random numbers pass for
   random).
*  Q_t may depend on the real data in any way; that only changes I.  Kernels that are not
   deterministic add noise independent of the data, and the proof holds given that noise.

I is a single draw.  It may lie below its mean, the sum of KL(Q_t || P_t); Markov's inequality pays
for that.  No file is written: what is certified is the drawn student, not a code for it.
"""

import math

import numpy as np

from bounds.checks import require_count

#: Pays for one of 2^64 ways to come to a student: the learning rate, batch and parts of the recipe
#: of teacher and student, and every run that might have been reported.  The first of these bits
#: also tell a student from every file, whose first byte names one of two codes.
STUDENT_RECIPE_BITS = 64.0

#: Error of the logarithm of a float64 softmax of up to 10,000 classes, with room to spare.
_ROUNDING_NATS = 1e-11


def requential_bits(log_ratios_nats: np.ndarray, tokens_drawn: int, *, recipes: int) -> int:
    """Bits that stand for the code length L(h) of a requential student, rounded up.

    Args:
        log_ratios_nats: any shape, float64, ln Q_t(X_t) - ln P_t(X_t) of tokens, windows or
            batches, which add up to I*ln 2; every drawn token counts once.
        tokens_drawn: how many tokens they are of; the rounding of each is added.
        recipes: m, runs among which this one was chosen after a look at the data.

    Returns:
        At least 1: a sum at or below 0, which luck can bring about, is charged one bit.

    Raises:
        ValueError: a ratio is not finite (the student excludes what the teacher drew), a count is
            not positive, or there are no ratios, more than tokens, or ratios of less precision.
    """
    require_count("tokens_drawn", tokens_drawn)
    require_count("recipes", recipes)
    ratios = np.asarray(log_ratios_nats)
    if ratios.dtype != np.float64:
        raise ValueError(
            f"log ratios must be float64, whose rounding is charged, not {ratios.dtype}"
        )
    if not 1 <= ratios.size <= tokens_drawn:
        raise ValueError(f"{ratios.size} log ratios of {tokens_drawn} drawn tokens: give 1 to all")
    if not np.all(np.isfinite(ratios)):
        raise ValueError("a log ratio is not finite: no code length exists for this trajectory")
    nats = math.fsum(ratios.ravel()) + tokens_drawn * _ROUNDING_NATS
    return max(1, math.ceil(nats / math.log(2.0) + math.log2(recipes)))
