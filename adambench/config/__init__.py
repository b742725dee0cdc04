"""From a YAML file to a checked experiment.

The input is the text of a file with overrides from the command line. The output is an `Experiment` of frozen
dataclasses, or one error that lists every mistake with its place. `loading` does this with `yamlfile` (text to plain
values with line numbers), `syntax` (messages about text that is not YAML), `schema` (what the keys may hold) and
`check` (single values). `names` says what a configuration can name, `plugins` adds what the user's files define, and
`modules` executes them. `experiment` defines the terms that the rest of the package uses, and `quantity` is the small
language of claims.
"""
