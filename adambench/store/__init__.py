"""Finished runs to files, and back: the results folder.

In come runs with their curves; out come records, one JSON file per run, written whole or not at all. Reading a folder
gives the same records. Only this part of the package opens the results folder, and nothing here trains or judges.
"""
