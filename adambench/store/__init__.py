"""Store finished runs in the results folder and read them back.

A run and its curve become a record: one JSON file, written completely or not at all. Reading the folder gives the same
records. Only this part of the package opens the results folder, but for checkpoints and the log of a run in the
background. Nothing here trains or judges.
"""
