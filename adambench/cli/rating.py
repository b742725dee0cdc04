"""`adambench lr-find`: the learning-rate range test."""

from pathlib import Path
from typing import Annotated

import typer

from adambench import __version__
from adambench.cli.app import TEXT, Format, Plugins, Results, tell, warn
from adambench.errors import AdambenchError, unknown


def lr_find(
    config: Annotated[Path, typer.Argument(help="The experiment, a YAML file.")],
    overrides: Annotated[list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Changes to it.")] = None,
    problem: Annotated[str | None, typer.Option(help="Only this problem.")] = None,
    optimizer: Annotated[str | None, typer.Option(help="Only this optimizer, by its label.")] = None,
    plugin: Plugins = None,
    results: Results = Path("results"),
    format: Format = TEXT,
) -> None:
    """Suggest learning rates by a range test: train once for about an epoch while the rate rises at each step."""
    import threadpoolctl

    from adambench import range_test
    from adambench.cli.running import read
    from adambench.show import charts, rates
    from adambench.show.words import data_and_model, named
    from adambench.store.folder import Folder
    from adambench.stored import refuse_to_replace

    experiment, data = read(config, overrides or [], plugin or [])
    problems = {one.name: one for one in experiment.problems}
    labels = {grid.label: grid for one in experiment.problems for grid in one.grids}
    for option, name, allowed in (("--problem", problem, list(problems)), ("--optimizer", optimizer, list(labels))):
        if name is not None and name not in allowed:
            raise AdambenchError(f"{option} {name}: {unknown(name, allowed)}")
    pairs = [
        (one, grid)
        for one in experiment.problems
        for grid in one.grids
        if problem in (None, one.name) and optimizer in (None, grid.label)
    ]
    if not pairs:
        raise AdambenchError(f"--problem {problem} --optimizer {optimizer}: this problem has no such optimizer")
    folder = Folder(results, experiment.name)
    folder.prepare()
    kept = False  # whether the folder has a chart of another version of the experiment
    try:
        refuse_to_replace(folder, experiment)
    except AdambenchError as error:
        kept = True
        warn(f"the chart will not be written: {error.message}. {error.hint}")
    seed = experiment.tuning.every[0]
    tested = []
    with threadpoolctl.threadpool_limits(1):
        for one, grid in pairs:
            setting = grid.settings[0]
            dataset = data[experiment.source(one).sha256].first(one.train_images)
            sweep = range_test.sweep(
                *(one.model, setting, dataset, one.batch_size, seed),
                validation=one.validation,
                clip_norm=one.clip_norm,
                sampling=one.sampling,
            )
            tested.append(rates.Tested(one, grid, setting, sweep))
    tell([rates.table(tested, seed)], format)
    if kept:
        return
    found = {
        named(one.name, one.title or data_and_model(experiment, one)): {
            row.grid.label: row.sweep for row in tested if row.problem is one
        }
        for one in experiment.problems
        if any(row.problem is one for row in tested)
    }
    figure = charts.rates(found, labels)
    assert figure
    picture = charts.save(figure, "png", f"adambench {__version__}, experiment {experiment.name}, lr-find, seed {seed}")
    path = folder.write_figure("lr_find.png", picture)
    if format is TEXT:
        print(f"wrote {path}")
