"""Finished runs to numbers.

In come a plan and the curves of its finished runs; out come numbers: which setting is best, means and spreads over the
seeds (`analysis`), how fair the comparison was (`fairness`), what the runs say of each claim (`claims`), and whether a
run trained again equals its record (`verification`). Nothing here draws, prints or opens a file.
"""
