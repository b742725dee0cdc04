"""Numbers to what a person sees.

In come the numbers of `judge` and the plan; out come tables in every format (`table`, filled by `ranking`, `findings`,
`catalogue`, `timings`), the display of a run under way (`progress`), and figures (`charts`). Nothing here computes a
result or writes a file.
"""
