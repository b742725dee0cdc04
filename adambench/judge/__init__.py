"""Turn finished runs into numbers.

The input is a plan and the curves of its finished runs. The modules compute the best settings and their means over the
seeds (`analysis`), how fair the comparison is (`fairness`), a verdict on each claim (`claims`) that allows for chance
(`inference`), the settings nearest to given curves (`match`), one experiment against another (`pairing`), how long
optimizers take over all problems (`runlength`), and whether a run that is trained again equals its record
(`verification`). Nothing here draws, prints or opens a file.
"""
