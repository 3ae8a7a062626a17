"""Find what a change touches: from the files that git reports to projects, assets, models, checks, tests, artifacts."""
