"""What a requential student took from its teacher, from the first block to the last."""

import math

import pandas as pd

from dashboard.artifacts.suite import Suite

#: Runs of blocks that a course is averaged over for drawing, at most.
COURSE_POINTS = 200


def course(suite: Suite, model_id: str) -> pd.DataFrame:
    """The student of one model over the drawn text, in runs of blocks; empty without a student.

    Columns: tokens (drawn so far), bits and bits_per_parameter (taken so far), teacher_loss_nats
    and student_loss_nats (mean per token of the run, each block before the student learned from
    it).
    """
    runs = suite.query(
        """
        SELECT max(drawn)::DOUBLE AS tokens, sum(log_ratio_nats) AS ratio,
               sum(teacher_nats * tokens) / sum(tokens) AS teacher_nats,
               sum(teacher_nats * tokens + log_ratio_nats) / sum(tokens) AS student_nats
        FROM (SELECT *, sum(tokens) OVER (ORDER BY steps) AS drawn,
                     row_number() OVER (ORDER BY steps) - 1 AS block, count(*) OVER () AS blocks
              FROM student_blocks WHERE model_id = ?)
        GROUP BY block // ceil(blocks / ?)::BIGINT ORDER BY 1
        """,
        [model_id, COURSE_POINTS],
    )
    bits = runs["ratio"].cumsum() / math.log(2)
    params = suite.every_model().set_index("model_id").loc[model_id, "params_total"]
    return pd.DataFrame(
        {
            "tokens": runs["tokens"],
            "bits": bits,
            "bits_per_parameter": bits / params,
            "teacher_loss_nats": runs["teacher_nats"],
            "student_loss_nats": runs["student_nats"],
        }
    )
