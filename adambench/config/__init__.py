"""A YAML file to a checked experiment.

In comes the text of a file, with overrides from the command line; out comes an `Experiment` of frozen dataclasses, or
one error that lists every mistake with its place. `loading` does this, with `yamlfile` (text to plain values with line
numbers), `schema` (what the keys may hold) and `check` (single values). `experiment` defines the words that the rest of
the package uses; `quantity` is the small language of claims.
"""
