"""Two experiments side by side: final values, their ratio, the settings that won, and what the protocols differ in."""

from collections.abc import Sequence

from adambench.config.shown import words
from adambench.curve import METRICS
from adambench.judge import reading
from adambench.judge.analysis import Estimate, Interval
from adambench.judge.pairing import Comparison, Names, Pair, both
from adambench.show.findings import chance
from adambench.show.ranking import chosen
from adambench.show.table import Column, Table
from adambench.show.terminal import cost
from adambench.show.words import estimate


def ratio(interval: Interval) -> str:
    """`0.975 [0.961, 0.989]`; without an interval if there is only one seed."""
    mean = cost(interval.mean)
    return mean if interval.n < 2 else f"{mean} [{cost(interval.low)}, {cost(interval.high)}]"


def _columns(found: Comparison) -> list[Column]:
    """As people read them."""
    scale = 100 if METRICS[found.metric].percent else 1

    def final(value: Estimate) -> str:
        return estimate(value, scale)

    one, other = found.names
    return [
        Column("problem", lambda pair: pair.problem, both, left=True),
        Column("optimizer", lambda pair: pair.label, both, left=True),
        Column(one, lambda pair: pair.finals[0], final),
        Column(other, lambda pair: pair.finals[1], final),
        Column("ratio [95 % interval]", lambda pair: pair.interval, ratio),
        Column("n", lambda pair: pair.interval.n, spare=2),
        Column("p", lambda pair: pair.chance, chance, spare=1),
        Column(f"setting of {one}", lambda pair: pair.summaries[0], chosen, left=True, spare=4),
        Column(f"setting of {other}", lambda pair: pair.summaries[1], chosen, left=True, spare=5),
        Column("tried", lambda pair: [summary.settings_tried for summary in pair.summaries], _tried, spare=3),
    ]


def _tried(counts: Sequence[int]) -> str:
    """`9`, or `9, 16` where they differ."""
    return ", ".join(dict.fromkeys(map(str, counts)))


def _data(found: Comparison) -> list[Column]:
    """For programs: `one` is the first experiment, `other` the second."""
    return [
        Column("metric", lambda _: found.metric),
        *_side(found, 0, "one"),
        *_side(found, 1, "other"),
        Column("n", lambda pair: pair.interval.n),
        Column("seeds", lambda pair: list(pair.ratios)),
        Column("ratios", lambda pair: list(pair.ratios.values())),
        Column("ratio", lambda pair: pair.interval.mean),
        Column("low", lambda pair: pair.interval.low),
        Column("high", lambda pair: pair.interval.high),
        Column("p", lambda pair: pair.chance),
        Column("differs", lambda pair: [f"{key}: {mine}; {theirs}" for key, (mine, theirs) in pair.differs.items()]),
    ]


def _side(found: Comparison, i: int, name: str) -> list[Column]:
    return [
        Column(name, lambda _: found.names[i]),
        Column(f"{name}_problem", lambda pair: pair.problem[i]),
        Column(f"{name}_optimizer", lambda pair: pair.label[i]),
        Column(f"{name}_setting", lambda pair: words(pair.summaries[i].setting.hyperparameters)),
        Column(f"{name}_settings_tried", lambda pair: pair.summaries[i].settings_tried),
        Column(f"{name}_mean", lambda pair: pair.finals[i].mean),
        Column(f"{name}_sd", lambda pair: pair.finals[i].sd),
    ]


def comparison(found: Comparison) -> list[Table]:
    """The pairs with what they say, then what differs in the protocols, if anything does."""
    one, other = found.names
    metric = METRICS[found.metric]
    unit = "%" if metric.percent else metric.unit
    title = f"{one} against {other}: final {metric.label}{f' ({unit})' if unit else ''}, seed by seed"
    left_out = [f"not compared: {reason}" for reason in found.left_out]
    notes = [*reading.comparison(found), *left_out, NOTE]
    tables = [Table(title, _columns(found), found.pairs, _data(found), notes)]
    if differences := _differences(found.pairs):
        columns = [
            Column("problem", lambda row: row[0], left=True),
            Column("key", lambda row: row[1], left=True),
            Column(one, lambda row: row[2][0], left=True),
            Column(other, lambda row: row[2][1], left=True),
        ]
        tables.append(Table("What differs in the protocols", columns, differences, data=()))
    return tables


def _differences(pairs: Sequence[Pair]) -> list[tuple[str, str, Names]]:
    """Each once for a problem; that of a rule with its label."""
    found = {
        (both(pair.problem), f"optimizers.{pair.label[0]}" if key == "rule" else key): names
        for pair in pairs
        for key, names in pair.differs.items()
    }
    return [(problem, key, names) for (problem, key), names in found.items()]


NOTE = (
    "ratio: geometric mean over the n seeds that both have; below 1, the first ends lower. p: Student's t test of the "
    "logarithms against a ratio of 1, corrected after Holm over all rows."
)
