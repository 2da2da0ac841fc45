"""The paper's five figures redrawn on this ladder, one file each.

The paper's figures are described in this project's words; verdicts follow from intervals.
"""
