"""The paper's five figures redrawn on this ladder, one file each.

What a figure of the paper shows is said in this project's words; verdicts follow from intervals.
"""
