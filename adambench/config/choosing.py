"""Rules with hyper-parameters from the command line, for `adambench explain`."""

from collections.abc import Sequence

from adambench.config.check import Check, hints_of
from adambench.config.names import BUILT_IN, Known
from adambench.config.overrides import value
from adambench.config.yamlfile import Source
from adambench.errors import AdambenchError, unknown
from adambench.optimizers import Optimizer


def optimizer(rule: str, settings: Sequence[str], known: Known = BUILT_IN) -> Optimizer:
    """A rule with `KEY=VALUE` hyper-parameters from the command line. Raises AdambenchError like `load`."""
    if rule not in known.optimizers:
        option = f"--plugin {rule}" if rule.endswith(".py") else "--plugin FILE"
        hint = "" if known.plugins else f"A rule of your own needs the file that defines it: {option}."
        raise AdambenchError(f"{rule}: {unknown(rule, known.optimizers)}", hint)
    check = Check(Source("command line", numbered=False))
    values = {}
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not (key and equals and text):
            raise AdambenchError(f"command line, {setting}: must be KEY=VALUE, for example lr=0.1")
        values[key] = value(text, setting)
        check.source.overridden[(key,)] = setting
    chosen: Optimizer | None = check.instance(known.optimizers[rule], values, ())
    if chosen is None:
        raise AdambenchError(check.message())
    return chosen


def optimizers(rules: Sequence[str], settings: Sequence[str], known: Known = BUILT_IN) -> dict[str, Optimizer]:
    """Several rules, each with those of the `KEY=VALUE` hyper-parameters that it has. Raises AdambenchError.

    A hyper-parameter that none of the rules has is refused as `optimizer` does.
    """
    if not rules:
        raise AdambenchError("no optimizer is named", "For example: adambench explain adam lr=0.1")
    for word in rules:
        if word not in known.optimizers and any(word in hints_of(cls) for cls in known.optimizers.values()):
            raise AdambenchError(f"{word}: a hyper-parameter needs a value", f"For example: {word}=0.9")
    has = {rule: hints_of(known.optimizers[rule]) for rule in rules if rule in known.optimizers}
    of_none = [text for text in settings if not any(text.partition("=")[0] in names for names in has.values())]
    own = {rule: [text for text in settings if text.partition("=")[0] in has.get(rule, ())] for rule in rules}
    return {rule: optimizer(rule, [*of_none, *own[rule]], known) for rule in rules}
