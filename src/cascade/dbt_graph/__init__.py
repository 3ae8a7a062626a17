"""Read the graph of a dbt project from its files: without dbt, which takes seconds to start.

`templates` parses Jinja with Jinja's own parser, and `follow` walks through a template as dbt does while it parses:
constants are folded, macros are followed, and what is not constant counts as unknown. `packages`, `nodes` and
`properties` read the files of the project; `graph` links what they find. Pants runs the package as a module, so it
imports nothing but Jinja and YAML.
"""
