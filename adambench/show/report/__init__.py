"""Finished experiments to one page of HTML that needs nothing else.

In come `Chapter`s: an experiment, its plan, its records, and the tables and verdicts that the commands print. Out comes
the text of a page that works offline. `charts` turns runs into the numbers that the page draws, `runs` keeps each run's
record, and `page` puts both into the template of `static/`. Everything from a results folder is escaped, and the page's
own rules (Content-Security-Policy) let nothing but its own script and styles act, and no request leave it.

The charts are plain SVG, drawn by the script in `static/`. CONTRIBUTING.md compares this with Bokeh, Plotly and Vega.
"""

from adambench.show.report.chapter import Chapter
from adambench.show.report.page import page, section

__all__ = ["Chapter", "page", "section"]
