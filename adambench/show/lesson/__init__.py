"""A lesson about Adam, as a page of its own that works offline.

`recordings` lets the rules of `optimizers` go down a small valley, for every position of the page's sliders, and `labs`
says which of these recordings each figure begins with. The page's script looks the steps up and draws them. It computes
no step itself. The words of the lesson are in `static/lesson.html`.
"""

from adambench.show.lesson.page import lesson

__all__ = ["lesson"]
