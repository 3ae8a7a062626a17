"""Where rows come from: readers that workflows call."""
