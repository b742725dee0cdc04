"""An experiment to finished runs.

In comes an `Experiment`; `plan` names the runs that it asks for, `scheduling` decides which of them is trained next and
with which others, and an engine (`engines`) trains them. Out come events, the last of each run with its curve. Nothing
here reads or writes the results folder, but for the checkpoints in it.
"""
