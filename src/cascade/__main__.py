"""`python -m cascade`: the same command line as `cascade`."""

from __future__ import annotations

from cascade.cli.main import main

if __name__ == "__main__":
    main()
