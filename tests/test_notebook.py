"""The notebook docs/tour.ipynb, executed from top to bottom. It needs nbclient: pip install 'adambench[notebook]'.

With ADAMBENCH_NOTEBOOK=write the outputs are kept, after an edit of the notebook.
"""

import json
import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

TOP = Path(__file__).parent.parent
TOUR = TOP / "docs" / "tour.ipynb"
KEEP = os.environ.get("ADAMBENCH_NOTEBOOK") == "write"
needed = pytest.mark.skipif(
    not (find_spec("nbclient") and find_spec("ipykernel")), reason="needs nbclient: pip install 'adambench[notebook]'"
)


def code(notebook: Any) -> list[Any]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def printed(cell: Any) -> str:
    """What a cell prints, in one piece."""
    texts = [output["text"] for output in cell["outputs"] if output["output_type"] == "stream"]
    return "".join("".join(text) for text in texts)


def files() -> set[Path]:
    """The files of the project, without caches."""
    return {
        path
        for part in ("adambench", "configs", "docs", "results", "tests")
        for path in (TOP / part).rglob("*")
        if "__pycache__" not in path.parts
    }


@needed
@pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::ResourceWarning", "ignore::RuntimeWarning"
)  # of Jupyter
def test_the_notebook_runs_from_top_to_bottom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import nbclient  # noqa: PLC0415  # an extra
    import nbformat  # noqa: PLC0415

    monkeypatch.setenv("TMPDIR", str(tmp_path))  # where the notebook writes
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    before = files()
    notebook = nbformat.read(TOUR, as_version=4)
    client = nbclient.NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        coalesce_streams=True,
        record_timing=False,
        resources={"metadata": {"path": str(TOUR.parent)}},
    )
    client.execute()  # raises for a cell that fails
    assert files() == before
    cells = code(notebook)
    (run,) = [cell for cell in cells if "results = adambench.run(" in cell["source"]]
    progress = printed(run).splitlines()
    assert len(run["outputs"]) == 1  # one text, not an output for each line
    assert progress[0].startswith("tour: 12 runs, 0 already done, about ")
    assert [line.split("]")[0] for line in progress[1:]] == [f"[{n}/12" for n in range(1, 13)]
    assert "tour: 16 runs, 12 already done" in printed(cells[-1])
    if KEEP:
        nbformat.write(notebook, TOUR)
    verdicts = [cell for cell in cells if "claims()" in cell["source"]]
    kept = [
        cell for cell in code(json.loads(TOUR.read_text(encoding="utf-8"))) if "claims()" in "".join(cell["source"])
    ]
    assert list(map(printed, verdicts)) == list(map(printed, kept))


def test_the_notebook_keeps_its_outputs_and_they_are_small() -> None:
    assert TOUR.stat().st_size < 100_000
    cells = code(json.loads(TOUR.read_text(encoding="utf-8")))
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    assert all(cell["outputs"] for cell in cells)
    assert not any(output["output_type"] == "error" for cell in cells for output in cell["outputs"])
    text = TOUR.read_text(encoding="utf-8")
    assert "image/png" in text
    assert str(Path.home()) + "/" not in text
